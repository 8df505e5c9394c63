// penstock-models: train with LibTorch. penstock-components starts it.
#include "components/program/program.h"
#include "components/train/run/run.h"

namespace {

constexpr penstock::program::Entry kComponents[] = {
    {"train", penstock::train::RunTrain},
};

}  // namespace

int main(int argc, char** argv) { return penstock::program::Run(kComponents, {}, argc, argv); }
