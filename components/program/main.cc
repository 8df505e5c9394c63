// penstock-components: the component library as one command. All run here but train where it may
// end in a network: that runs in penstock-models beside it, which takes 0.3 s to load LibTorch.
// What gives rows to a model opens LibTorch with the first model that needs it
// (model/torch_module.h).
//
// Exit codes: as program.h; 1 also when penstock-models cannot be started.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "components/audit/run.h"
#include "components/bless/run.h"
#include "components/drift/run.h"
#include "components/evaluate/run.h"
#include "components/explain/run.h"
#include "components/ingest/run.h"
#include "components/kafka/run.h"
#include "components/postgres/run.h"
#include "components/predict/run.h"
#include "components/program/program.h"
#include "components/query/run.h"
#include "components/split/run.h"
#include "components/statistics/run.h"
#include "components/train/options.h"
#include "components/train/run/run.h"
#include "components/transform/run.h"
#include "components/validate/run.h"

namespace {

constexpr penstock::program::Entry kComponents[] = {
    {"ingest", penstock::ingest::RunIngest},
    {"kafka", penstock::kafka::RunKafka},
    {"postgres", penstock::postgres::RunPostgres},
    {"query", penstock::query::RunQuery},
    {"split", penstock::split::RunSplit},
    {"transform", penstock::transform::RunTransform},
    {"evaluate", penstock::evaluate::RunEvaluate},
    {"bless", penstock::bless::RunBless},
    {"predict", penstock::predict::RunPredict},
    {"audit", penstock::audit::RunAudit},
    {"explain", penstock::explain::RunExplain},
    {"drift", penstock::drift::RunDrift},
    {"statistics", penstock::statistics::RunStatistics},
    {"validate", penstock::validate::RunValidate},
    {"look", penstock::statistics::RunLook},
};
constexpr penstock::program::Entry kTrain[] = {
    {"train", penstock::train::RunTrainWithoutNetworks},
};
constexpr const char* kElsewhere[] = {"train"};

int RunWithNetworks(char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "penstock-models").string();
  ::execv(program.c_str(), argv);
  std::fprintf(stderr, "%s: %s: %s\n", argv[1], program.c_str(), std::strerror(errno));
  return 1;
}

// Whether this step may need a network. A step that cannot be read does: the error is then told by
// whoever runs it.
bool NeedsNetworks(int argc, char** argv) {
  auto step = penstock::sdk::Step::FromEnvironment();
  if (!step || !step->AddArguments({argv + 2, argv + argc})) return true;
  return penstock::train::MayNeedNetworks(step->parameters());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "train" && !NeedsNetworks(argc, argv)) {
    return penstock::program::Run(kTrain, {}, argc, argv);
  }
  if (argc > 1 && std::string(argv[1]) == "train") return RunWithNetworks(argv);
  return penstock::program::Run(kComponents, kElsewhere, argc, argv);
}
