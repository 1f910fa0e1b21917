#include "test/models/protocols.h"

namespace tsdb::models {

std::vector<ProtocolModel> AllModels() {
  return {PublicationModel(), StretchesModel(),   HandInModel(),       MergeOrderModel(),
          PageOwnerModel(),   MergedModel(),      BackpressureModel(), SeriesViewModel(),
          EpochModel(),       GroupCommitModel(), CheckpointModel(),   ManifestModel()};
}

}  // namespace tsdb::models
