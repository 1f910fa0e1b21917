#include "tools/shell/line_editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/base/config.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"
#include "tools/shell/history_file.h"
#include "tools/terminal.h"

#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
#include <sanitizer/lsan_interface.h>
#endif

namespace tsdb::tools {
namespace {

constexpr int kHistoryEntries = 5000;
constexpr off_t kHistoryBytesMax = off_t{4} << 20;  // above, it is rewritten with what was kept
constexpr size_t kShownMax = 100;

// libedit could look after signals itself, but does so on whichever thread one comes to, while the
// editing thread changes what its handler reads.
constexpr int kEndingSignals[] = {SIGHUP, SIGQUIT, SIGTERM};
struct termios terminal_before;

// The terminal is left as it was found, even in the middle of a line.
void RestoreTerminalAndEnd(int number) {
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
  (void)std::signal(number, SIG_DFL);
  (void)raise(number);  // which takes effect on return
}

size_t CommonLength(const std::vector<Candidate>& candidates) {
  const std::string& first = candidates.front().text;
  size_t length = first.size();
  for (const Candidate& each : candidates) {
    const auto ends = std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(length),
                                    each.text.begin(), each.text.end());
    length = static_cast<size_t>(ends.first - first.begin());
  }
  // Not into the middle of a character.
  while (length < first.size() && length > 0 &&
         (static_cast<unsigned char>(first[length]) & 0xC0) == 0x80) {
    --length;
  }
  return length;
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  ::History* history = nullptr;
  FILE* terminal = nullptr;
  Complete complete;
  std::string prompt;
  std::string history_path;
  bool color = false;
  bool interrupted = false;

  static State& Of(EditLine* editor) {
    State* state = nullptr;
    el_get(editor, EL_CLIENTDATA, &state);
    return *state;
  }
  static char* Prompt(EditLine* editor) { return Of(editor).prompt.data(); }
  static unsigned char OnInterrupt(EditLine* editor, int) {
    Of(editor).interrupted = true;
    return CC_NEWLINE;
  }
  static unsigned char OnTab(EditLine* editor, int) { return Of(editor).Tab(); }

  static unsigned char OnSuspend(EditLine* editor, int) {
    el_set(editor, EL_PREP_TERM, 0);
    (void)raise(SIGTSTP);
    el_set(editor, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
  }

  unsigned char Tab() {
    const LineInfo* line = el_line(editor);
    const Completions found =
        complete({line->buffer, static_cast<size_t>(line->cursor - line->buffer)});
    if (found.candidates.empty()) return CC_REFRESH_BEEP;
    const Candidate& first = found.candidates.front();
    const bool only = found.candidates.size() == 1;
    const size_t length = CommonLength(found.candidates);
    std::string more =
        first.text.substr(std::min(found.typed, length), length - std::min(found.typed, length));
    if (only) more += first.tail;
    if (!more.empty()) return el_insertstr(editor, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    if (!only) Show(found.candidates);
    return only ? CC_REFRESH : CC_REDISPLAY;
  }

  void Show(const std::vector<Candidate>& candidates) const {
    std::vector<std::string> words;
    for (const Candidate& each : candidates) {
      if (words.size() == kShownMax) break;
      words.push_back(Printable(each.text));
    }
    std::fprintf(terminal, "\n%s", InColumns(words, OutputWidth()).c_str());
    if (candidates.size() > words.size()) {
      std::fprintf(terminal, "... and %zu more\n", candidates.size() - words.size());
    }
    std::fflush(terminal);
  }
};

LineEditor::LineEditor(FILE* terminal, bool color, Complete complete)
    : state_(std::make_unique<State>()) {
  // libedit turns bytes into characters as the locale has them; the engine's are UTF-8.
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) {
    (void)std::setlocale(LC_CTYPE, "C.UTF-8");
  }
  State& state = *state_;
  state.terminal = terminal;
  state.complete = std::move(complete);
  state.color = color;
  state.editor = el_init("tsdb", stdin, terminal, stderr);
  state.history = history_init();
  TSDB_CHECK(state.editor != nullptr && state.history != nullptr);
  HistEvent event;
  history(state.history, &event, H_SETSIZE, kHistoryEntries);
  history(state.history, &event, H_SETUNIQUE, 1);
  EditLine* const editor = state.editor;
  el_set(editor, EL_CLIENTDATA, &state);
  el_set(editor, EL_PROMPT_ESC, State::Prompt, '\1');
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, history, state.history);
  el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  {
    // libedit keeps copies of these texts and never frees them.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
    const __lsan::ScopedDisabler known;
#endif
    el_set(editor, EL_ADDFN, "tsdb-complete", "complete a word", State::OnTab);
    el_set(editor, EL_ADDFN, "tsdb-interrupt", "clear the line", State::OnInterrupt);
    el_set(editor, EL_ADDFN, "tsdb-suspend", "stop the program until fg", State::OnSuspend);
  }
  constexpr std::pair<const char*, const char*> kKeys[] = {
      {"^I", "tsdb-complete"},      {"^C", "tsdb-interrupt"},          {"^Z", "tsdb-suspend"},
      {"^R", "em-inc-search-prev"}, {"^W", "ed-delete-prev-word"},     {"\\e[1;5D", "ed-prev-word"},
      {"\\e[1;5C", "em-next-word"}, {"\\e[3~", "ed-delete-next-char"}, {"\\e[H", "ed-move-to-beg"},
      {"\\e[F", "ed-move-to-end"}};
  for (const auto& [key, function] : kKeys) el_set(editor, EL_BIND, key, function, nullptr);
  el_source(editor, nullptr);
  TSDB_CHECK(tcgetattr(STDIN_FILENO, &terminal_before) == 0);
  for (const int number : kEndingSignals) (void)std::signal(number, RestoreTerminalAndEnd);
}

LineEditor::~LineEditor() {
  for (const int number : kEndingSignals) (void)std::signal(number, SIG_DFL);
  history_end(state_->history);
  el_end(state_->editor);
}

LineEditor::Got LineEditor::Read(const std::string& prompt, std::string& line) {
  State& state = *state_;
  state.prompt = state.color ? "\1\x1b[1m\1" + prompt + "\1\x1b[0m\1" : prompt;
  state.interrupted = false;
  el_resize(state.editor);
  // libedit would draw the prompt first: a Ctrl-D or Ctrl-C in between would be no key, and lost.
  el_set(state.editor, EL_PREP_TERM, 1);
  int count = 0;
  const char* text = el_gets(state.editor, &count);
  // Also a signal that another process sent.
  if (state.interrupted || (text == nullptr && count < 0 && errno == EINTR)) {
    std::fputs("^C\n", state.terminal);
    std::fflush(state.terminal);
    return Got::kInterrupt;
  }
  if (text == nullptr || count <= 0) return Got::kEnd;
  line.assign(text, static_cast<size_t>(count));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return Got::kLine;
}

absl::Status LineEditor::KeepHistory(const std::string& path) {
  if (const absl::Status status = MakeHistoryFolder(path); !status.ok()) return status;
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError(errno, "keep the history in", path);
  struct stat status = {};
  const bool known = fstat(descriptor, &status) == 0;
  close(descriptor);
  HistEvent event;
  // A file of something else is told from ours by its first line.
  if (known && status.st_size > 0 && history(state_->history, &event, H_LOAD, path.c_str()) < 0) {
    return absl::FailedPreconditionError("cannot keep the history in '" + path +
                                         "': it is not a history of this program");
  }
  if (known && status.st_size > kHistoryBytesMax &&
      history(state_->history, &event, H_SAVE, path.c_str()) < 0) {
    return FileError(errno, "shorten the history in", path);
  }
  state_->history_path = path;
  return absl::OkStatus();
}

absl::Status LineEditor::Remember(const std::string& statement) {
  HistEvent event;
  history(state_->history, &event, H_ENTER, statement.c_str());
  const std::string& path = state_->history_path;
  if (path.empty()) return absl::OkStatus();
  FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return FileError(errno, "keep the history in", path);
  // libedit writes its first line where the position is 0.
  std::fseek(file, 0, SEEK_END);
  // libedit's format has an entry in one line, whatever is in it. What it calls the newest so many
  // differs by version, so the entry is saved out of a history of its own.
  ::History* const alone = history_init();
  TSDB_CHECK(alone != nullptr);
  history(alone, &event, H_SETSIZE, 1);
  history(alone, &event, H_ENTER, statement.c_str());
  const bool saved = history(alone, &event, H_SAVE_FP, file) >= 0;
  const int error = errno;
  history_end(alone);
  const bool closed = std::fclose(file) == 0;
  if (saved && closed) return absl::OkStatus();
  return FileError(saved ? errno : error, "keep the history in", path);
}

std::vector<std::string> LineEditor::History(size_t count) const {
  std::vector<std::string> entries;
  HistEvent event;
  for (int got = history(state_->history, &event, H_FIRST); got >= 0 && entries.size() < count;
       got = history(state_->history, &event, H_NEXT)) {
    entries.emplace_back(event.str);
  }
  // The cursor is the editor's, too.
  history(state_->history, &event, H_FIRST);
  std::ranges::reverse(entries);
  return entries;
}

std::string InColumns(const std::vector<std::string>& words, size_t width) {
  size_t widest = 1;
  for (const std::string& word : words) widest = std::max(widest, DisplayWidth(word));
  const size_t columns = std::max<size_t>(1, (width + 2) / (widest + 2));
  const size_t lines = (words.size() + columns - 1) / columns;
  std::string text;
  for (size_t line = 0; line < lines; ++line) {
    for (size_t i = line; i < words.size(); i += lines) {
      text += words[i];
      if (i + lines >= words.size()) break;
      text.append(widest + 2 - DisplayWidth(words[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace tsdb::tools
