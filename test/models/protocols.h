// The models of the engine's protocols (docs/concurrency.md), each with faults to plant in it: what
// the explorer must find, so that finding nothing in the sound one means something.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/models/explorer.h"

namespace tsdb::models {

struct ProtocolModel {
  std::string name;
  std::vector<Protocol> sound;    // variants of size and policy; none may be violated
  std::vector<Protocol> planted;  // named by the fault; each must be
};

// A model of type M, made from `arguments` for each schedule.
template <typename M, typename... Arguments>
Protocol MakeProtocol(std::string name, std::vector<ThreadSpec> threads, Arguments... arguments) {
  return {std::move(name), std::move(threads),
          [arguments...] { return std::make_unique<M>(arguments...); }};
}

ProtocolModel PublicationModel();   // Slot publication
ProtocolModel StretchesModel();     // Slot publication: series by columns
ProtocolModel HandInModel();        // Seal, commit, fresh snapshots
ProtocolModel MergeOrderModel();    // Commit order
ProtocolModel PageOwnerModel();     // Page ownership
ProtocolModel MergedModel();        // From applied to merged
ProtocolModel BackpressureModel();  // Backpressure, and why nobody sleeps for ever
ProtocolModel SeriesViewModel();    // Reading a series: one view
ProtocolModel EpochModel();         // Epochs
ProtocolModel GroupCommitModel();   // The log
ProtocolModel CheckpointModel();    // Checkpoints and closing
ProtocolModel ManifestModel();      // Checkpoints and closing: the manifest

std::vector<ProtocolModel> AllModels();

}  // namespace tsdb::models
