#include "tsdb/stats_publisher.h"

#include <utility>

#include "storage/base/file_system.h"
#include "storage/base/patience.h"
#include "storage/base/start_thread.h"
#include "storage/base/status_macros.h"

namespace tsdb {

StatsPublisher::StatsPublisher(const std::string& directory, std::chrono::milliseconds interval,
                               std::function<std::string(DatabaseState)> text)
    : path_(JoinPath(directory, kStatsName)),
      draft_path_(JoinPath(directory, kStatsDraftName)),
      interval_(interval),
      text_(std::move(text)) {}

StatsPublisher::~StatsPublisher() {
  Finish();
  if (thread_.joinable()) thread_.join();
}

absl::Status StatsPublisher::Start() {
  Publish(DatabaseState::kOpening);
  TSDB_ASSIGN_OR_RETURN(thread_, StartThread("publishing figures", [this] { Loop(); }));
  return absl::OkStatus();
}

void StatsPublisher::NoteOpened() {
  MutexLock lock(&mutex_);
  if (state_ != DatabaseState::kOpening) return;
  state_ = DatabaseState::kOpen;
  changed_.NotifyAll();
}

void StatsPublisher::Finish() {
  if (!thread_.joinable()) return;
  MutexLock lock(&mutex_);
  state_ = DatabaseState::kClosed;
  changed_.NotifyAll();
  while (!finished_) changed_.Wait(&mutex_);
}

void StatsPublisher::Loop() {
  DatabaseState state = DatabaseState::kOpening;
  while (state != DatabaseState::kClosed) {
    {
      MutexLock lock(&mutex_);
      const auto deadline = std::chrono::steady_clock::now() + interval_;
      while (state_ == state && changed_.WaitUntil(&mutex_, deadline)) {
      }
      state = state_;
    }
    Publish(state);
  }
  MutexLock lock(&mutex_);
  finished_ = true;
  changed_.NotifyAll();
}

void StatsPublisher::Publish(DatabaseState state) {
  const absl::Status written =
      OrNoMemory("publishing figures", [&] { return Write(text_(state)); });
  if (!written.ok()) failures_.fetch_add(1, std::memory_order_relaxed);
}

absl::Status StatsPublisher::Write(const std::string& text) const {
  FileSystem* const files = LocalFileSystem();
  TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                        files->Create(draft_path_, CreateMode::kTruncate));
  TSDB_RETURN_IF_ERROR(file->Append({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  TSDB_RETURN_IF_ERROR(file->Close());
  return files->Rename(draft_path_, path_);
}

}  // namespace tsdb
