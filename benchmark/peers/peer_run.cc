#include "benchmark/peers/peer_run.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/child_process.h"
#include "benchmark/machine.h"
#include "benchmark/peers/peer_checks.h"
#include "benchmark/peers/peer_reads.h"
#include "benchmark/scratch_directory.h"
#include "benchmark/start_gate.h"
#include "benchmark/writers.h"
#include "storage/base/status_macros.h"

namespace tsdb::benchmark {
namespace {

constexpr uint64_t kNever = uint64_t{1} << 60;

// Bytes that the directory's files take of the disk: some are sparse, some are allocated ahead.
absl::StatusOr<uint64_t> AllocatedBytes(const std::string& directory) {
  constexpr uint64_t kBlockBytes = 512;  // that stat counts in
  uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator file(directory, error), end; file != end;
       file.increment(error)) {
    if (error) break;
    struct stat status;
    if (stat(file->path().c_str(), &status) != 0) return absl::UnavailableError("stat failed");
    if (S_ISREG(status.st_mode)) bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
  }
  if (error) return absl::UnavailableError("listing a store's files: " + error.message());
  return bytes;
}

class PeerRun {
 public:
  explicit PeerRun(const PeerFlags& flags)
      : flags_(flags),
        case_(flags.child_case),
        kind_(*FindPeer(flags.child_peer)),
        workload_(flags.WorkloadOf(kind_)),
        shares_(workload_.Split(case_.writers, Sharing::kSeries)) {
    inputs_ = MakeInputs(workload_, shares_, {case_.order, case_.mode});
    inputs_[0] = WithDefect(std::move(inputs_[0]), flags.plant);
  }

  absl::Status Run() {
    if (case_.writing()) {
      for (uint32_t i = 0; i < flags_.warm_ups; ++i) TSDB_RETURN_IF_ERROR(MeasureWriting());
      TSDB_RETURN_IF_ERROR(MeasureWriting());
    } else {
      TSDB_RETURN_IF_ERROR(MeasureReading());
    }
    for (const auto& [name, value] : figures_) TellParent(name, value);
    TellParentReached(kPeerDone);
    return absl::OkStatus();
  }

 private:
  PeerOptions OptionsIn(const ScratchDirectory& directory) const {
    return {directory.path(), case_.keeping, workload_.series(), workload_.samples(), shares_};
  }

  // Writes one share, committing if that is asked for.
  absl::Status Write(InputStream& input, PeerWriter& writer) const {
    const bool commits = case_.keeping != Keeping::kMemory;
    const uint64_t every = commits ? flags_.commit_every : kNever;
    uint64_t until_commit = every;
    for (RecordBlock block; input.Next(block);) {
      for (size_t begin = 0; begin < block.size;) {
        const size_t count = std::min<uint64_t>(block.size - begin, until_commit);
        const RecordBlock part = {block.series + begin, block.timestamps + begin,
                                  block.values + begin, count};
        TSDB_RETURN_IF_ERROR(case_.mode == Shape::kColumns ? writer.AppendColumn(part)
                                                           : writer.Append(part));
        begin += count;
        until_commit -= count;
        if (until_commit > 0) continue;
        TSDB_RETURN_IF_ERROR(writer.Commit());
        until_commit = every;
      }
    }
    return writer.Finish();
  }

  // From the first append until everything is readable, and kept as the case says.
  absl::Status Load(Peer& peer) {
    for (const auto& input : inputs_) input->Rewind();
    std::vector<absl::Status> statuses(inputs_.size());
    const double cpu_before = ProcessCpuSeconds();
    const Together together = RunPrepared(
        inputs_.size(), [&](size_t index) { return peer.NewWriter(index); },
        [&](size_t index, absl::StatusOr<std::unique_ptr<PeerWriter>>& writer) {
          statuses[index] = writer.ok() ? Write(*inputs_[index], **writer) : writer.status();
        });
    for (const absl::Status& status : statuses) TSDB_RETURN_IF_ERROR(status);
    TSDB_RETURN_IF_ERROR(peer.Flush());
    const double seconds = SecondsBetween(together.begin, Clock::now());
    const double records = static_cast<double>(workload_.records());
    figures_["records_per_second"] = records / seconds;
    figures_["cpu_ns_per_record"] = 1e9 * (ProcessCpuSeconds() - cpu_before) / records;
    return absl::OkStatus();
  }

  // A new directory for what goes there; opening makes what is in it.
  absl::StatusOr<std::unique_ptr<Peer>> Open(const ScratchDirectory& directory) const {
    std::error_code error;
    std::filesystem::create_directories(directory.path(), error);
    if (error) return absl::UnavailableError("making a directory: " + error.message());
    return kind_.open(OptionsIn(directory));
  }

  absl::Status MeasureWriting() {
    const ScratchDirectory directory(flags_.directory);
    TSDB_ASSIGN_OR_RETURN(std::unique_ptr<Peer> peer, Open(directory));
    TSDB_RETURN_IF_ERROR(Load(*peer));
    TSDB_RETURN_IF_ERROR(CheckPeerTaken(*peer, workload_));
    TSDB_RETURN_IF_ERROR(CheckPeerContent(*peer, workload_));
    TSDB_RETURN_IF_ERROR(peer->Close());
    if (case_.keeping == Keeping::kMemory) return absl::OkStatus();
    peer.reset();
    TSDB_ASSIGN_OR_RETURN(peer, Open(directory));
    TSDB_RETURN_IF_ERROR(CheckPeerContent(*peer, workload_));
    return peer->Close();
  }

  absl::Status MeasureReading() {
    const double records = static_cast<double>(workload_.records());
    const ScratchDirectory directory(flags_.directory);
    const PeerQuestions questions(workload_, flags_.lookups, flags_.scans, flags_.length);
    const double resident_before = static_cast<double>(ResidentBytes());
    const double anonymous_before = static_cast<double>(AnonymousResidentBytes());
    ResetPeakResident();
    TSDB_ASSIGN_OR_RETURN(std::unique_ptr<Peer> peer, Open(directory));
    TSDB_RETURN_IF_ERROR(Load(*peer));
    const auto growth = [&](uint64_t now, double before) {
      return std::max(0.0, static_cast<double>(now) - before) / records;
    };
    figures_["resident_bytes_per_record"] = growth(ResidentBytes(), resident_before);
    figures_["anonymous_bytes_per_record"] = growth(AnonymousResidentBytes(), anonymous_before);
    figures_["peak_bytes_per_record"] = growth(PeakResidentBytes(), resident_before);
    if (const auto bytes = peer->MemoryBytes()) {
      figures_["memory_bytes_per_record"] = static_cast<double>(*bytes) / records;
    }
    TSDB_RETURN_IF_ERROR(CheckPeerTaken(*peer, workload_));
    const auto settle_begin = Clock::now();
    TSDB_RETURN_IF_ERROR(peer->Settle());
    if (kind_.on_disk) figures_["settle_seconds"] = SecondsBetween(settle_begin, Clock::now());
    if (case_.task == PeerTask::kReopen) TSDB_RETURN_IF_ERROR(Reopen(directory, questions, peer));
    TSDB_RETURN_IF_ERROR(CheckPeerContent(*peer, workload_));
    for (const uint32_t threads : flags_.threads) {
      TSDB_RETURN_IF_ERROR(
          MeasureReads(*peer, questions, threads, flags_.pass_seconds, kind_.summaries, figures_));
    }
    return peer->Close();
  }

  // Closes the peer and opens it again, until it has answered a question.
  absl::Status Reopen(const ScratchDirectory& directory, const PeerQuestions& questions,
                      std::unique_ptr<Peer>& peer) {
    const auto close_begin = Clock::now();
    TSDB_RETURN_IF_ERROR(peer->Close());
    peer.reset();
    figures_["close_seconds"] = SecondsBetween(close_begin, Clock::now());
    TSDB_ASSIGN_OR_RETURN(const uint64_t bytes, AllocatedBytes(directory.path()));
    figures_["disk_bytes_per_record"] =
        static_cast<double>(bytes) / static_cast<double>(workload_.records());
    const auto open_begin = Clock::now();
    TSDB_ASSIGN_OR_RETURN(peer, Open(directory));
    TSDB_RETURN_IF_ERROR(peer->Flush());
    {
      TSDB_ASSIGN_OR_RETURN(const std::unique_ptr<PeerReader> reader, peer->NewReader());
      const LookupQuestions& lookups = questions.lookups();
      if (reader->Lookup(lookups.series[0], lookups.timestamps[0]) != lookups.answers[0]) {
        return absl::DataLossError("reopened, it does not find a sample");
      }
    }
    figures_["reopen_seconds"] = SecondsBetween(open_begin, Clock::now());
    return absl::OkStatus();
  }

  const PeerFlags& flags_;
  const PeerCase case_;
  const PeerKind& kind_;
  const Workload workload_;
  const std::vector<Share> shares_;
  Inputs inputs_;
  Figures figures_;
};

}  // namespace

absl::Status RunPeerCase(const PeerFlags& flags) { return PeerRun(flags).Run(); }

}  // namespace tsdb::benchmark
