// A training that was stopped or killed goes on to the same bits.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "components/sdk/testing/test_data.h"
#include "components/train/mlp/testing/tables.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

class MlpResume : public ::testing::Test {
 protected:
  MlpResume() : table_(Xor(300, 1)), held_out_(Xor(100, 2)) {
    options_.epochs = 12;
    options_.dropout = 0.2;    // one setting
    options_.batch_size = 64;  // five steps an epoch
  }

  Context WithCheckpoint() const {
    Context context = ContextOf(table_, Classes(2));
    context.checkpoint = folder_.path();
    return context;
  }
  // Runs until the stop is asked for the `steps`th time.
  Error StopAfter(int steps) const {
    Context context = WithCheckpoint();
    context.stop = [left = steps]() mutable { return left-- == 0; };
    const auto stopped = MakeMlp(options_)->Try(table_.rows(), held_out_.rows(), context);
    EXPECT_FALSE(stopped);
    return stopped ? Error{} : stopped.error();
  }
  // The answers, and how many steps were done for them.
  std::vector<double> Run(Context context, int* steps = nullptr) const {
    int asked = 0;
    context.stop = [&] { return ++asked < 0; };
    const auto trials = MakeMlp(options_)->Try(table_.rows(), held_out_.rows(), context);
    EXPECT_TRUE(trials) << trials.error().message;
    if (steps != nullptr) *steps = asked;
    return (*trials)[0].answers;
  }
  std::string file() const { return folder_ / "mlp-given-12.safetensors"; }

  TestTable table_;
  TestTable held_out_;
  MlpOptions options_;
  sdk::TestFolder folder_;
};

TEST_F(MlpResume, GoesOnWhereItWasStoppedToTheSameBits) {
  int all = 0;
  const auto unbroken = Run(ContextOf(table_, Classes(2)), &all);
  for (const int stop : {0, 1, 5, 23}) {
    std::filesystem::remove(file());
    EXPECT_EQ(StopAfter(stop).kind, ErrorKind::kCancelled);
    ASSERT_TRUE(std::filesystem::exists(file()));
    int rest = 0;
    EXPECT_EQ(Run(WithCheckpoint(), &rest), unbroken) << stop;
    EXPECT_EQ(rest, all - stop);
  }
}

TEST_F(MlpResume, MayBeStoppedAgainAndAgain) {
  const auto unbroken = Run(ContextOf(table_, Classes(2)));
  for (int i = 0; i < 4; ++i) (void)StopAfter(7);
  int rest = 0;
  int all = 0;
  EXPECT_EQ(Run(WithCheckpoint(), &rest), unbroken);
  (void)Run(ContextOf(table_, Classes(2)), &all);
  EXPECT_EQ(rest, all - 28);
}

TEST_F(MlpResume, ATornOrDamagedCheckpointIsNotTaken) {
  int all = 0;
  const auto unbroken = Run(ContextOf(table_, Classes(2)), &all);
  (void)StopAfter(20);
  const std::string whole = *ReadFile(file());
  std::string damaged = whole;
  damaged[damaged.size() - 5] ^= 1;
  for (const std::string& bytes :
       {whole.substr(0, whole.size() / 2), damaged, std::string("{}"), std::string()}) {
    std::ofstream(file(), std::ios::trunc | std::ios::binary) << bytes;
    int steps = 0;
    EXPECT_EQ(Run(WithCheckpoint(), &steps), unbroken);
    EXPECT_EQ(steps, all);
  }
}

TEST_F(MlpResume, ACheckpointOfAnotherTrainingIsNotTaken) {
  const auto fresh = [&](Context context) {
    context.checkpoint.clear();
    return Run(context);
  };
  (void)StopAfter(20);
  Context other = WithCheckpoint();
  other.seed = 2;
  EXPECT_EQ(Run(other), fresh(other));
  (void)StopAfter(20);
  table_.y[5] = 1 - table_.y[5];
  EXPECT_EQ(Run(WithCheckpoint()), fresh(WithCheckpoint()));
  options_.dropout = 0.3;
  EXPECT_EQ(Run(WithCheckpoint()), fresh(WithCheckpoint()));
}

}  // namespace
}  // namespace penstock::train
