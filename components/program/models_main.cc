// penstock-models: the components that need LibTorch. penstock-components starts it.
#include "components/bless/run.h"
#include "components/evaluate/run.h"
#include "components/predict/run.h"
#include "components/program/program.h"
#include "components/train/run/run.h"

namespace {

constexpr penstock::program::Entry kComponents[] = {
    {"train", penstock::train::RunTrain},
    {"evaluate", penstock::evaluate::RunEvaluate},
    {"bless", penstock::bless::RunBless},
    {"predict", penstock::predict::RunPredict},
};

}  // namespace

int main(int argc, char** argv) { return penstock::program::Run(kComponents, {}, argc, argv); }
