// The main of a fuzz target where there is no libFuzzer: runs every file of a corpus, and seeded
// mutations of them. Every run is the same for one seed.
//
//   fuzz_<name> CORPUS-DIRECTORY [MUTATIONS [SEED]]
//   fuzz_<name> FILE                                     one input, to reproduce a finding
//
// An input that ends the program is kept as fuzz_<name>.failed, beside where it was run.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "test/fuzz/fuzz_target.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kInputBytesMax = 1 << 14;

// Of the run at hand, for the signal handler.
const uint8_t* current_data = nullptr;
size_t current_size = 0;
char failed_path[4096];

void KeepInput() {
  const int file = open(failed_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return;
  if (write(file, current_data, current_size) == static_cast<ssize_t>(current_size)) {
    const char text[] = "the input is kept: ";
    if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0 &&
        write(STDERR_FILENO, failed_path, std::char_traits<char>::length(failed_path)) > 0 &&
        write(STDERR_FILENO, "\n", 1) > 0) {
    }
  }
  close(file);
}

void OnSignal(int signal) {
  KeepInput();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void Run(const Bytes& input) {
  // In memory of its own length, so that AddressSanitizer sees the first byte read beyond it.
  const tsdb::fuzz::ExactBytes exact(input);
  current_data = exact.bytes().data();
  current_size = input.size();
  LLVMFuzzerTestOneInput(current_data, current_size);
}

class Mutator {
 public:
  Mutator(const std::vector<Bytes>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  Bytes Next() {
    Bytes bytes = corpus_[Below(corpus_.size())];
    for (size_t changes = 1 + Below(4); changes > 0; --changes) Change(bytes);
    bytes.resize(std::min(bytes.size(), kInputBytesMax));
    return bytes;
  }

 private:
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void Change(Bytes& bytes) {
    const size_t place = Below(bytes.size());
    const auto at = bytes.begin() + static_cast<ptrdiff_t>(place);
    const size_t rest = bytes.size() - place;
    switch (bytes.empty() ? 4 : Below(7)) {
      case 0:
        *at ^= static_cast<uint8_t>(1 << Below(8));
        return;
      case 1:
        *at = static_cast<uint8_t>(random_());
        return;
      case 2: {  // a number at an edge, of 1 to 8 bytes
        static constexpr uint64_t kEdges[] = {0,     1,      0x7F,       0x80,        0xFF,
                                              0x100, 0xFFFF, 0x7FFFFFFF, ~uint64_t{0}};
        uint64_t number = kEdges[Below(std::size(kEdges))];
        const size_t length = std::min(size_t{1} << Below(4), rest);
        for (size_t i = 0; i < length; ++i, number >>= 8) bytes[place + i] = number & 0xFF;
        return;
      }
      case 3:
        bytes.erase(at, at + static_cast<ptrdiff_t>(std::min(1 + Below(16), rest)));
        return;
      case 4: {  // a piece of another input, put in between
        const Bytes& other = corpus_[Below(corpus_.size())];
        const size_t from = Below(other.size());
        const size_t length = std::min(Below(64), other.size() - from);
        const auto begin = other.begin() + static_cast<ptrdiff_t>(from);
        bytes.insert(at, begin, begin + static_cast<ptrdiff_t>(length));
        return;
      }
      case 5: {  // a piece of itself, over what is there
        const size_t from = Below(bytes.size());
        const size_t length = std::min({Below(32), rest, bytes.size() - from});
        const Bytes piece(bytes.begin() + static_cast<ptrdiff_t>(from),
                          bytes.begin() + static_cast<ptrdiff_t>(from + length));
        std::copy(piece.begin(), piece.end(), at);
        return;
      }
      default:
        if (Below(4) == 0) bytes.resize(place);
    }
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937_64 random_;
};

std::vector<Bytes> ReadCorpus(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());  // or the seed would not say what is run
  } else {
    files.push_back(path);
  }
  std::vector<Bytes> corpus;
  for (const std::filesystem::path& name : files) {
    std::ifstream file(name, std::ios::binary);
    if (!file) continue;
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  const std::string program = std::filesystem::path(argv[0]).filename().string();
  std::snprintf(failed_path, sizeof(failed_path), "%s.failed", program.c_str());
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    std::signal(signal, OnSignal);
  }
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(KeepInput);

  const std::vector<Bytes> corpus = ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no inputs at '%s'\n", argv[0], argv[1]);
    return 1;
  }
  const unsigned long mutations = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  const unsigned long seed = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
  const auto start = std::chrono::steady_clock::now();
  for (const Bytes& input : corpus) Run(input);
  Mutator mutator(corpus, seed);
  for (unsigned long i = 0; i < mutations; ++i) Run(mutator.Next());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s: %zu inputs and %lu mutations, seed %lu, %.1f s\n", program.c_str(),
              corpus.size(), mutations, seed, seconds.count());
  return 0;
}
