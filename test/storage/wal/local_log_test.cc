// The log in files: what was acknowledged is there, in order, whatever fails.
#include "storage/wal/local_log.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "storage/wal/log_format.h"
#include "test/storage/wal/log_fixture.h"
#include "test/tsdb/threads.h"

namespace tsdb::wal {
namespace {

std::vector<uint64_t> Sequences(const Replayed& replayed) {
  std::vector<uint64_t> sequences;
  for (const auto& [sequence, batch] : replayed.batches) sequences.push_back(sequence);
  return sequences;
}

std::vector<uint64_t> UpTo(uint64_t last, uint64_t first = 1) {
  std::vector<uint64_t> sequences;
  for (uint64_t i = first; i <= last; ++i) sequences.push_back(i);
  return sequences;
}

TEST_CASE("log: what was appended is read back when it is opened again", "[wal]") {
  MemoryFileSystem files({kDirectory});
  const uint64_t batches = GENERATE(0u, 1u, 2u, 500u);
  {
    const Replayed opened = OpenLog(&files);
    REQUIRE(opened.status.ok());
    REQUIRE(opened.batches.empty());
    AppendPayloads(*opened.log, 1, batches);
    REQUIRE(opened.log->Close().ok());
  }
  const Replayed again = OpenLog(&files);
  REQUIRE(again.status.ok());
  REQUIRE(Sequences(again) == UpTo(batches));
  RequireTrue(again);
  REQUIRE(again.report.damage.empty());
  REQUIRE(again.report.torn_bytes == 0);
}

TEST_CASE("log: files are rotated by size, read on over openings, and truncated whole", "[wal]") {
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.file_bytes = 2000;
  options.staged_bytes = 500;
  uint64_t next = 1;
  for (int opening = 0; opening < 5; ++opening) {
    const Replayed opened = OpenLog(&files, options);
    REQUIRE(opened.report.damage.empty());
    RequireTrue(opened);
    // Each close but of an unused log takes a number.
    next = opened.report.last_sequence + 1;
    AppendPayloads(*opened.log, next, next + 99);
    REQUIRE(opened.log->Close().ok());
  }
  REQUIRE(files.List(kDirectory)->size() > 20);
  Replayed opened = OpenLog(&files, options);
  REQUIRE(opened.batches.size() == 500);
  REQUIRE(opened.log->TruncateBefore(300).ok());
  REQUIRE(opened.log->Close().ok());
  opened = OpenLog(&files, options, 300);
  REQUIRE(opened.report.damage.empty());
  REQUIRE(opened.batches.front().first >= 300);
  REQUIRE(opened.batches.front().first <= 301);
  const auto names = *files.List(kDirectory);
  REQUIRE(*ParseLogFileName(names[0]) <= 300);
  REQUIRE(*ParseLogFileName(names[1]) > 300);
}

TEST_CASE("log: what was truncated stays gone after a loss of power", "[wal]") {
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.file_bytes = 2000;
  options.staged_bytes = 500;
  const Replayed opened = OpenLog(&files, options);
  AppendPayloads(*opened.log, 1, 100);
  REQUIRE(opened.log->AwaitDurable(100).ok());
  const size_t before = files.List(kDirectory)->size();
  REQUIRE(opened.log->TruncateBefore(60).ok());
  const auto left = *files.List(kDirectory);
  REQUIRE(left.size() < before);
  REQUIRE(*files.AfterPowerLoss()->List(kDirectory) == left);
}

TEST_CASE("log: durable batches survive the loss of power, written ones the process", "[wal]") {
  const uint64_t seed = GENERATE(range(1, 30));
  INFO("seed " << seed);
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.file_bytes = GENERATE(3000u, 1u << 20);
  options.sync_interval = std::chrono::hours(1);
  const Replayed opened = OpenLog(&files, options);
  AppendPayloads(*opened.log, 1, 60);
  REQUIRE(opened.log->AwaitDurable(60).ok());
  AppendPayloads(*opened.log, 61, 80);
  REQUIRE(opened.log->AwaitWritten(80).ok());
  const auto crashed = files.AfterProcessCrash();
  const Replayed after_crash = OpenLog(crashed.get(), options);
  REQUIRE(Sequences(after_crash) == UpTo(80));
  RequireTrue(after_crash);

  const auto lost = files.AfterPowerLoss(seed);
  Replayed after_loss = OpenLog(lost.get(), options);
  REQUIRE(after_loss.status.ok());
  REQUIRE(after_loss.batches.size() >= 60);
  REQUIRE(Sequences(after_loss) == UpTo(after_loss.batches.size()));
  RequireTrue(after_loss);
  REQUIRE(after_loss.report.damage.empty());
  // The log goes on where it ended, and what was torn stays gone.
  const uint64_t next = after_loss.report.last_sequence + 1;
  AppendPayloads(*after_loss.log, next, next + 20);
  REQUIRE(after_loss.log->Close().ok());
  const Replayed again = OpenLog(lost.get(), options);
  REQUIRE(again.report.damage.empty());
  REQUIRE(Sequences(again) == UpTo(next + 20));
  RequireTrue(again);
}

TEST_CASE("log: one sync serves all who wait", "[wal][concurrency]") {
  MemoryFileSystem files({kDirectory});
  FaultFileSystem counted(&files);
  Mutex mutex;
  CondVar changed;
  bool open = false;
  size_t waiting = 0;
  // The first sync of a batch is held up until all threads have appended.
  counted.SetHook([&](FileCall call, const std::string&) {
    if (call != FileCall::kSync) return;
    MutexLock lock(&mutex);
    ++waiting;
    changed.NotifyAll();
    while (!open && waiting > 1) changed.Wait(&mutex);  // the first call is the new file's header
  });
  LocalLogOptions options;
  options.sync_interval = std::chrono::hours(1);
  const Replayed opened = OpenLog(&counted, options);
  constexpr int kThreads = 32;
  std::atomic<int> appended{0};
  std::atomic<int> durable{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto sequence = opened.log->Append(1, Bytes("x"));
      appended.fetch_add(1);
      if (sequence.ok() && opened.log->AwaitDurable(*sequence).ok()) durable.fetch_add(1);
    });
  }
  while (appended.load() < kThreads) std::this_thread::yield();
  {
    MutexLock lock(&mutex);
    open = true;
    changed.NotifyAll();
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(durable.load() == kThreads);
  // The held-up one, and one or two for those who came meanwhile.
  REQUIRE(opened.log->Stats().syncs <= 3);
}

TEST_CASE("log: what nobody waits for waits out the interval", "[wal][concurrency]") {
  const bool during_sync = GENERATE(false, true);
  MemoryFileSystem files({kDirectory});
  FaultFileSystem counted(&files);
  LocalLogOptions options;
  options.sync_interval = std::chrono::hours(1);
  const Replayed opened = OpenLog(&counted, options);
  std::atomic<int> syncs{0};
  counted.SetHook([&](FileCall call, const std::string&) {
    // The first call is the new file's header.
    if (call != FileCall::kSync || syncs.fetch_add(1) + 1 != 2 || !during_sync) return;
    if (opened.log->Append(1, Bytes(Payload(2))).ok()) opened.log->AwaitWritten(2).IgnoreError();
  });
  AppendPayloads(*opened.log, 1, 1);
  REQUIRE(opened.log->AwaitDurable(1).ok());
  // Time for a sync that should not be.
  for (uint64_t next = during_sync ? 3 : 2; next <= 300; ++next) {
    AppendPayloads(*opened.log, next, next);
    REQUIRE(opened.log->AwaitWritten(next).ok());
  }
  CHECK(syncs.load() == 2);
  REQUIRE(opened.log->Close().ok());
  CHECK(Sequences(OpenLog(&files)) == UpTo(300));
}

TEST_CASE("log: whichever call fails, nothing acknowledged is lost and nothing hangs", "[wal]") {
  const FileFault kind = GENERATE(FileFault::kIoError, FileFault::kNoSpace, FileFault::kShortWrite,
                                  FileFault::kTornWrite);
  const bool sticky = GENERATE(false, true);
  LocalLogOptions options;
  options.file_bytes = 1500;
  bool all_passed = false;
  for (uint64_t nth = FirstCall(kind); !all_passed; nth += kCallStep) {
    INFO("call " << nth);
    REQUIRE(nth < 500);
    MemoryFileSystem files({kDirectory});
    FaultFileSystem failing(&files);
    failing.SetSyncFailureHook([&](const std::string& path) { files.ForgetUnsynced(path); });
    failing.Inject({kind, nth, std::nullopt, sticky});
    uint64_t acknowledged = 0;
    {
      Replayed opened = OpenLog(&failing, options);
      for (uint64_t i = 1; opened.log != nullptr && i <= 40; ++i) {
        const auto sequence = opened.log->Append(1, Bytes(Payload(i)));
        if (!sequence.ok()) break;
        if (i % 5 == 0 && opened.log->AwaitDurable(*sequence).ok()) acknowledged = *sequence;
      }
      if (opened.log != nullptr && opened.log->Close().ok()) acknowledged = 40;
    }
    all_passed = failing.failures() == 0;
    failing.ClearFault();
    const auto lost = files.AfterPowerLoss();
    const Replayed after = OpenLog(lost.get(), options);
    INFO(after.status.ToString());
    REQUIRE(after.status.ok());
    REQUIRE(after.batches.size() >= acknowledged);
    REQUIRE(Sequences(after) == UpTo(after.batches.size()));
    RequireTrue(after);
    REQUIRE(after.report.damage.empty());
  }
}

TEST_CASE("log: after a failed sync nothing is acknowledged, and no sync is tried again", "[wal]") {
  MemoryFileSystem files({kDirectory});
  FaultFileSystem failing(&files);
  const Replayed opened = OpenLog(&failing);
  AppendPayloads(*opened.log, 1, 3);
  REQUIRE(opened.log->AwaitDurable(3).ok());
  failing.Inject({FileFault::kIoError, 1, FileCall::kSync, false});
  AppendPayloads(*opened.log, 4, 4);
  const absl::Status failed = opened.log->AwaitDurable(4);
  REQUIRE(!failed.ok());
  REQUIRE(failed.message().find(".log") != std::string::npos);
  const uint64_t syncs = failing.calls(FileCall::kSync);
  REQUIRE(!opened.log->Append(1, Bytes("x")).ok());
  REQUIRE(opened.log->AwaitDurable(4) == failed);
  REQUIRE(opened.log->AwaitDurable(3).ok());
  REQUIRE(!opened.log->Close().ok());
  REQUIRE(failing.calls(FileCall::kSync) == syncs);
}

TEST_CASE("log: closing says that its own record could not be written or synced", "[wal]") {
  const FileCall call = GENERATE(FileCall::kAppend, FileCall::kSync);
  MemoryFileSystem files({kDirectory});
  FaultFileSystem failing(&files);
  {
    const Replayed opened = OpenLog(&failing);
    AppendPayloads(*opened.log, 1, 3);
    REQUIRE(opened.log->AwaitDurable(3).ok());
    failing.Inject({FileFault::kIoError, 1, call, false});
    const absl::Status closed = opened.log->Close();
    INFO(closed.ToString());
    REQUIRE(closed.message().find(".log") != std::string::npos);
    REQUIRE(failing.failures() == 1);
  }
  const auto lost = files.AfterPowerLoss();
  REQUIRE(Sequences(OpenLog(lost.get())) == UpTo(3));
}

TEST_CASE("log: many threads append and wait", "[wal][concurrency]") {
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.file_bytes = 20'000;
  options.staged_bytes = 2'000;
  options.sync_interval = std::chrono::milliseconds(1);
  std::atomic<int> failures{0};
  {
    const Replayed opened = OpenLog(&files, options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          const std::string text = std::to_string(t) + ":" + std::to_string(i);
          const auto sequence = opened.log->Append(2, Bytes(text));
          bool good = sequence.ok();
          if (good && i % 20 == t) good = opened.log->AwaitDurable(*sequence).ok();
          if (!good) failures.fetch_add(1);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  REQUIRE(failures.load() == 0);
  const Replayed again = OpenLog(&files, options);
  REQUIRE(Sequences(again) == UpTo(1600));
  std::vector<int> next(8, 0);
  for (const auto& [sequence, batch] : again.batches) {
    const int thread = batch.second[0] - '0';
    REQUIRE(batch.second == std::to_string(thread) + ":" + std::to_string(next[thread]++));
  }
}

TEST_CASE("log: a full disk is waited for, and said meanwhile", "[wal]") {
  MemoryFileSystem files({kDirectory});
  FaultFileSystem failing(&files);
  LocalLogOptions options;
  options.sync_interval = std::chrono::hours(1);
  const Replayed opened = OpenLog(&failing, options);
  AppendPayloads(*opened.log, 1, 2);
  REQUIRE(opened.log->AwaitWritten(2).ok());
  CHECK(opened.log->Stalled().ok());
  failing.Inject({FileFault::kNoSpace, 1, FileCall::kAppend, true});
  AppendPayloads(*opened.log, 3, 3);
  const absl::Status full = opened.log->AwaitWritten(3);
  CHECK(absl::IsResourceExhausted(full));
  CHECK(opened.log->Stalled() == full);
  CHECK(opened.log->AwaitDurable(3) == full);
  // What had been written before needs no space.
  CHECK(opened.log->AwaitDurable(2).ok());
  CHECK(opened.log->AwaitWritten(2).ok());
  failing.ClearFault();
  while (!opened.log->AwaitDurable(3).ok()) std::this_thread::yield();
  CHECK(opened.log->Stalled().ok());
  REQUIRE(opened.log->Close().ok());
  const Replayed again = OpenLog(&files);
  CHECK(Sequences(again) == UpTo(3));
  CHECK(again.report.damage.empty());
}

TEST_CASE("log: a disk with room for a part of what is staged takes that part", "[wal]") {
  MemoryFileSystem files({kDirectory});
  FaultFileSystem failing(&files);
  LocalLogOptions options;
  options.file_bytes = 1000;
  const Replayed opened = OpenLog(&failing, options);
  AppendPayloads(*opened.log, 1, 1);
  REQUIRE(opened.log->AwaitWritten(1).ok());
  failing.Inject({FileFault::kNoSpace, 1, FileCall::kAppend, true});
  AppendPayloads(*opened.log, 2, 2);
  REQUIRE(absl::IsResourceExhausted(opened.log->AwaitWritten(2)));
  AppendPayloads(*opened.log, 3, 40);
  // Room in the file that was begun, and for no other.
  failing.Inject({FileFault::kNoSpace, 1, FileCall::kPreallocate, true});
  while (!opened.log->AwaitWritten(2).ok()) std::this_thread::yield();
  while (opened.log->Stalled().ok()) std::this_thread::yield();
  const uint64_t written = opened.log->Stats().last_written;
  CHECK(written > 2);
  CHECK(written < 40);
  CHECK(opened.log->AwaitDurable(written).ok());
  CHECK(absl::IsResourceExhausted(opened.log->AwaitDurable(written + 1)));
  failing.ClearFault();
  while (!opened.log->AwaitDurable(40).ok()) std::this_thread::yield();
  REQUIRE(opened.log->Close().ok());
  const Replayed again = OpenLog(&files);
  CHECK(Sequences(again) == UpTo(40));
  CHECK(again.report.damage.empty());
  RequireTrue(again);
}

TEST_CASE("log: what it cannot take is refused, and changes nothing", "[wal]") {
  MemoryFileSystem files({kDirectory});
  LocalLogOptions options;
  options.sync_delay = std::chrono::microseconds(100);
  const Replayed opened = OpenLog(&files, options);
  const std::vector<uint8_t> large(kBatchBytesMax + 1);
  CHECK(absl::IsInvalidArgument(opened.log->Append(1, large).status()));
  AppendPayloads(*opened.log, 1, 1);
  REQUIRE(opened.log->AwaitDurable(1).ok());
  REQUIRE(opened.log->Close().ok());
  CHECK(absl::IsFailedPrecondition(opened.log->Append(1, Bytes("x")).status()));
  CHECK(opened.log->Close().ok());
  CHECK(Sequences(OpenLog(&files)) == UpTo(1));
}

TEST_CASE("log: a file that cannot be removed is removed the next time", "[wal]") {
  MemoryFileSystem files({kDirectory});
  FaultFileSystem failing(&files);
  LocalLogOptions options;
  options.file_bytes = 1000;
  options.staged_bytes = 500;
  const Replayed opened = OpenLog(&failing, options);
  AppendPayloads(*opened.log, 1, 50);
  REQUIRE(opened.log->AwaitDurable(50).ok());
  const size_t before = files.List(kDirectory)->size();
  failing.Inject({FileFault::kIoError, 2, FileCall::kRemove});
  CHECK_FALSE(opened.log->TruncateBefore(40).ok());
  CHECK(files.List(kDirectory)->size() == before - 1);
  CHECK(opened.log->TruncateBefore(40).ok());
  const auto names = *files.List(kDirectory);
  CHECK(names.size() < before - 2);
  CHECK(*ParseLogFileName(names[0]) <= 40);
  CHECK(*ParseLogFileName(names[1]) > 40);
}

TEST_CASE("log names: one name a number, and no other", "[wal]") {
  for (const uint64_t first : {uint64_t{1}, uint64_t{0xabcdef}, ~uint64_t{0}}) {
    CHECK(ParseLogFileName(LogFileName(first)) == first);
  }
  for (const char* name :
       {"", "000000000000001.log", "00000000000000001.log", "0000000000000001.lag",
        "000000000000000A.log", "000000000000000g.log", "000000000000000/.log",
        "000000000000000:.log", "000000000000000`.log", "0000000000000000.log"}) {
    INFO(name);
    CHECK_FALSE(ParseLogFileName(name).has_value());
  }
}

TEST_CASE("log: a header is taken for its own file's only", "[wal]") {
  std::vector<uint8_t> header;
  PutFileHeader(7, header);
  uint32_t version;
  CHECK(CheckFileHeader(header, 7, &version) == HeaderCheck::kGood);
  CHECK(CheckFileHeader(header, 8, &version) == HeaderCheck::kBad);
  std::vector<uint8_t> batch;
  PutBatch(7, 6, 1, Bytes("x"), batch);
  const std::span<const uint8_t> bytes(batch);
  CHECK(ReadBatch(bytes)->length == bytes.size());
  for (size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(ReadBatch(bytes.first(length)).has_value());
  }
}

TEST_CASE("log: batches are padded to eight bytes, and not by more", "[wal]") {
  for (size_t length = 0; length <= 24; ++length) {
    INFO(length);
    std::vector<uint8_t> batch;
    PutBatch(7, 6, 1, Bytes(std::string(length, 'x')), batch);
    CHECK(batch.size() == kBatchHeaderBytes + (length + 7) / 8 * 8);
    CHECK(ReadBatch(batch)->payload.size() == length);
  }
}

TEST_CASE("log: a file numbered zero is none of the log and hides nothing", "[wal]") {
  MemoryFileSystem files({kDirectory});
  files.SetContent("/log/0000000000000000.log", std::vector<uint8_t>(100, 7));
  for (uint64_t last = 1; last <= 3; ++last) {
    Replayed opened = OpenLog(&files);
    REQUIRE(opened.report.foreign.size() == 1);
    REQUIRE(opened.batches.size() == last - 1);
    AppendPayloads(*opened.log, opened.report.last_sequence + 1, opened.report.last_sequence + 1);
    REQUIRE(opened.log->Close().ok());
  }
}

}  // namespace
}  // namespace tsdb::wal
