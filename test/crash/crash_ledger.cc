#include "test/crash/crash_ledger.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace tsdb::crash {

void Die(const std::string& why) {
  std::fprintf(stderr, "crash_writer: %s\n", why.c_str());
  std::_Exit(2);
}

CrashLedger* MapLedger(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(CrashLedger)) != 0) Die("no ledger " + path);
  void* mapped = mmap(nullptr, sizeof(CrashLedger), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) Die("cannot map " + path);
  close(file);
  return static_cast<CrashLedger*>(mapped);
}

}  // namespace tsdb::crash
