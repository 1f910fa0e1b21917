// The command line's options about input files, which every command has that reads some. For
// main.cc.
//
// Thread safety: none.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "tools/load_files.h"

namespace tsdb::tools {

// A value out of a few words. The words are in the option's description, so CLI11 need not add
// them. They are its validator's name, which CLI11 only keeps: for whoever walks the commands.
inline constexpr const char* kWordsPrefix = "words:";
inline CLI::Validator OneOf(const std::vector<std::string>& words) {
  CLI::Validator validator = CLI::IsMember(words);
  validator.description("").name(kWordsPrefix + absl::StrJoin(words, "|"));
  return validator;
}

template <typename Choice>
CLI::Option* AddChoice(CLI::App& command, const std::string& name, const std::string& description,
                       Choice& target, const std::map<std::string, Choice>& choices) {
  std::vector<std::string> words;
  for (const auto& choice : choices) words.push_back(choice.first);
  const auto choose = [&target, choices](const std::string& word) { target = choices.at(word); };
  return command.add_option_function<std::string>(name, choose, description)->check(OneOf(words));
}

// How input files are read. With `files`, the option that names them, these need it.
void AddInputOptions(CLI::App& command, CLI::Option* files, InputOptions& input);

}  // namespace tsdb::tools
