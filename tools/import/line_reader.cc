#include "tools/import/line_reader.h"

#include <algorithm>
#include <cstring>

#include "tools/import/csv_syntax.h"

namespace tsdb::importer {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

LineReader::LineReader(ByteSource& source, size_t line_bytes_max)
    : source_(source), line_bytes_max_(line_bytes_max) {
  Grow(2 * kReadBytes);
}

void LineReader::Grow(size_t capacity) {
  std::unique_ptr<char[]> buffer(new char[capacity + kPadding]());
  if (end_ > begin_) std::memcpy(buffer.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

absl::StatusOr<bool> LineReader::Fill() {
  if (source_ended_) return false;
  if (capacity_ - end_ < kReadBytes) {
    if (begin_ >= kReadBytes) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    } else {
      Grow(2 * capacity_);
    }
  }
  const absl::StatusOr<size_t> read = source_.Read(buffer_.get() + end_, capacity_ - end_);
  if (!read.ok()) return read.status();
  end_ += *read;
  source_ended_ = *read == 0;
  return !source_ended_;
}

absl::StatusOr<std::string_view> LineReader::Peek(size_t bytes) {
  while (end_ - begin_ < bytes) {
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return std::string_view(buffer_.get() + begin_, std::min(bytes, end_ - begin_));
}

absl::StatusOr<bool> LineReader::SpansLines(size_t& bytes, uint64_t& newlines) {
  size_t piece = 0;  // where the line at hand starts, from begin_ on
  size_t searched = 0;
  bool in_quotes = false;
  newlines = 0;
  while (true) {
    const char* const begin = buffer_.get() + begin_;
    const auto* newline =
        static_cast<const char*>(std::memchr(begin + searched, '\n', end_ - begin_ - searched));
    const size_t length = newline != nullptr ? static_cast<size_t>(newline - begin) : end_ - begin_;
    if (length > line_bytes_max_) return false;
    bool at_end = false;
    if (newline == nullptr) {
      searched = length;
      const absl::StatusOr<bool> more = Fill();
      if (!more.ok()) return more.status();
      if (*more) continue;
      at_end = true;
    }
    const std::string_view text(buffer_.get() + begin_ + piece, length - piece);
    if (CsvRecordEnds(text, *csv_delimiter_, in_quotes)) {
      bytes = length;
      return newlines > 0;
    }
    if (at_end) return false;
    ++newlines;
    piece = searched = length + 1;
  }
}

absl::StatusOr<bool> LineReader::Next(Line& line) {
  if (csv_delimiter_) {
    size_t bytes = 0;
    uint64_t newlines = 0;
    const absl::StatusOr<bool> spans = SpansLines(bytes, newlines);
    if (!spans.ok()) return spans.status();
    if (*spans) {
      line = Line();
      line.text = {buffer_.get() + begin_, bytes};
      line.number = lines_ + 1;
      line.lines = newlines + 1;
      line.terminated = begin_ + bytes < end_;
      lines_ += line.lines;
      begin_ += bytes + line.terminated;
      return true;
    }
  }
  return NextLine(line);
}

absl::StatusOr<bool> LineReader::NextLine(Line& line) {
  line = Line();
  size_t searched = 0;  // bytes from begin_ on without a newline
  while (true) {
    const char* const begin = buffer_.get() + begin_;
    const auto* newline =
        static_cast<const char*>(std::memchr(begin + searched, '\n', end_ - begin_ - searched));
    const size_t length = newline != nullptr ? static_cast<size_t>(newline - begin) : end_ - begin_;
    if (length > line_bytes_max_ && !line.too_long) {
      line.too_long = true;
      line.number = ++lines_;
    }
    if (newline != nullptr) {
      begin_ += length + 1;
      if (!line.too_long) {
        line.text = {begin, length};
        line.number = ++lines_;
      }
      return true;
    }
    searched = length;
    if (line.too_long) {  // drop what was read of it
      begin_ = end_;
      searched = 0;
    }
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (*more) continue;
    // The end, without a last newline.
    line.terminated = false;
    if (line.too_long) return true;
    if (begin_ == end_) return false;
    line.text = {buffer_.get() + begin_, end_ - begin_};
    line.number = ++lines_;
    begin_ = end_;
    return true;
  }
}

}  // namespace tsdb::importer
