#include "tools/command_bench.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "storage/base/nearest_names.h"
#include "tools/message.h"
#include "tools/output.h"
#include "tools/terminal.h"

namespace tsdb::tools {
namespace {

constexpr const char* kSuffix = "_benchmark";

struct Programs {
  std::filesystem::path folder;
  std::vector<std::string> names;  // without the suffix, sorted
};

// Empty where the folder cannot be read.
Programs FindPrograms() {
  Programs programs;
  std::error_code error;
  programs.folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(programs.folder, error)) {
    std::string name = entry.path().filename();
    if (!name.ends_with(kSuffix) || access(entry.path().c_str(), X_OK) != 0) continue;
    name.resize(name.size() - std::strlen(kSuffix));
    programs.names.push_back(std::move(name));
  }
  std::sort(programs.names.begin(), programs.names.end());
  return programs;
}

}  // namespace

ExitCode RunBench(const std::vector<std::string>& arguments) {
  const Programs programs = FindPrograms();
  if (programs.names.empty()) {
    PrintError("there are no benchmark programs in '" + programs.folder.string() +
                   "'; they are built with the project: cmake --build --preset release",
               Color::kAuto);
    return kFailure;
  }
  if (arguments.empty()) {
    Output output;
    for (const std::string& name : programs.names) output << name << "\n";
    return output.Flush().ok() ? kOk : kFailure;
  }
  const std::string& name = arguments[0];
  if (!std::binary_search(programs.names.begin(), programs.names.end(), name)) {
    const std::vector<std::string_view> known(programs.names.begin(), programs.names.end());
    std::vector<std::string_view> near = NearestNames(name, known);
    if (near.empty()) near = known;
    PrintError("there is no benchmark '" + Printable(name) + "', but " + JoinWithOr(near),
               Color::kAuto);
    return kUsage;
  }
  const std::string path = programs.folder / (name + kSuffix);
  std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(path.c_str(), argv.data());
  PrintError("cannot run '" + path + "': " + std::strerror(errno), Color::kAuto);
  return kFailure;
}

}  // namespace tsdb::tools
