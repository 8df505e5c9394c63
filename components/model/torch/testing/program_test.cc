#include "components/model/torch/program.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace penstock::model {
namespace {

torch::jit::Module Frozen(const std::string& source, bool rewrite = false) {
  at::manual_seed(1);
  torch::jit::Module module("net");
  module.register_parameter("w", at::randn({4, 3}), false);
  module.register_parameter("b", at::randn({4}), false);
  module.define(source);
  module.eval();
  torch::jit::Module frozen = torch::jit::freeze(module);
  if (rewrite) TransposeWeights(&frozen);
  return frozen;
}

TEST(TorchProgram, AnswersWhatTheInterpreterDoes) {
  const std::string source = R"(
    def forward(self, x):
        h = torch.relu(torch.linear(x, self.w, self.b))
        h = h + torch.softmax(h, 1)
        h.mul_(2.0)
        return torch.sum(h, 1).sigmoid()
  )";
  const c10::InferenceMode guard;
  for (const bool rewrite : {false, true}) {
    torch::jit::Module module = Frozen(source, rewrite);
    const auto program = TorchProgram::Make(module);
    ASSERT_TRUE(program);
    for (const int rows : {1, 2, 33}) {
      const at::Tensor x = at::randn({rows, 3});
      EXPECT_TRUE(at::equal(program->Run({x}).toTensor(), module.forward({x}).toTensor()));
    }
  }
}

TEST(TorchProgram, AnswersATuple) {
  torch::jit::Module module = Frozen(R"(
    def forward(self, x):
        y = torch.linear(x, self.w, self.b)
        return y, x
  )");
  const auto program = TorchProgram::Make(module);
  ASSERT_TRUE(program);
  const at::Tensor x = at::randn({2, 3});
  const auto answer = program->Run({x});
  ASSERT_TRUE(answer.isTuple());
  EXPECT_TRUE(at::equal(answer.toTupleRef().elements()[1].toTensor(), x));
}

TEST(TorchProgram, FillsDefaultArgumentsAsTheInterpreterDoes) {
  torch::jit::Module module = Frozen(R"(
    def forward(self, x, scale: float = 2.0, shift: int = 1):
        return torch.linear(x, self.w, self.b) * scale + shift
  )");
  const auto program = TorchProgram::Make(module);
  ASSERT_TRUE(program);
  const at::Tensor x = at::randn({2, 3});
  EXPECT_TRUE(at::equal(program->Run({x}).toTensor(), module.forward({x}).toTensor()));
  EXPECT_TRUE(at::equal(program->Run({x, 3.0}).toTensor(), module.forward({x, 3.0}).toTensor()));
  EXPECT_THROW((void)program->Run({}), std::invalid_argument);
  EXPECT_THROW((void)program->Run({x, 3.0, 1, 1}), std::invalid_argument);
}

TEST(TorchProgram, LeavesControlFlowAndListsToTheInterpreter) {
  EXPECT_FALSE(TorchProgram::Make(Frozen(R"(
    def forward(self, x):
        if bool(x.sum() > 0):
            x = x + 1
        return torch.linear(x, self.w, self.b)
  )")));
  EXPECT_FALSE(TorchProgram::Make(Frozen(R"(
    def forward(self, x):
        return torch.cat([x, x], 1)
  )")));
}

TEST(TorchProgram, ThrowsWhatAnOperatorThrowsAndTakesTheRightNumberOfInputs) {
  const auto program = TorchProgram::Make(Frozen(R"(
    def forward(self, x):
        return torch.linear(x, self.w, self.b)
  )"));
  ASSERT_TRUE(program);
  EXPECT_THROW(program->Run({at::randn({2, 5})}), std::exception);
  EXPECT_THROW(program->Run({}), std::invalid_argument);
}

int CountNodes(const torch::jit::Module& module, const char* kind) {
  int count = 0;
  for (const auto* node : module.get_method("forward").graph()->nodes())
    count += node->kind() == c10::Symbol::fromQualString(kind) ? 1 : 0;
  return count;
}

class TransposeWeightsTest : public testing::Test {
 protected:
  TransposeWeightsTest() : module_("net") {
    at::manual_seed(1);
    module_.register_parameter("w", at::randn({5, 3}), false);
    module_.register_parameter("b", at::randn({5}), false);
    module_.register_parameter("v", at::randn({2, 5}), false);
    module_.define(R"(
      def forward(self, x):
          h = torch.relu(torch.linear(x, self.w, self.b))
          return torch.linear(h, self.v)
    )");
    module_.eval();
  }
  torch::jit::Module module_;
};

TEST_F(TransposeWeightsTest, AnswersStayTheSameForInputsOfEveryRank) {
  torch::jit::Module plain = torch::jit::freeze(module_);
  torch::jit::Module quick = torch::jit::freeze(module_);
  TransposeWeights(&quick);
  EXPECT_EQ(CountNodes(quick, "penstock::linear"), 1);
  EXPECT_EQ(CountNodes(quick, "aten::linear"), 1) << "the one without a bias is left alone";
  const c10::InferenceMode guard;
  for (const at::IntArrayRef shape : {at::IntArrayRef{3}, {1, 3}, {7, 3}, {0, 3}, {4, 2, 3}}) {
    const at::Tensor x = at::randn(shape);
    const at::Tensor wanted = plain.forward({x}).toTensor();
    const at::Tensor got = quick.forward({x}).toTensor();
    EXPECT_EQ(got.sizes(), wanted.sizes());
    EXPECT_TRUE(at::allclose(got, wanted, 1e-6, 1e-6)) << x.sizes();
  }
}

TEST_F(TransposeWeightsTest, AnInputOfTheWrongWidthIsRefusedAsBefore) {
  torch::jit::Module quick = torch::jit::freeze(module_);
  TransposeWeights(&quick);
  EXPECT_THROW(quick.forward({at::randn({2, 4})}), std::exception);
}

}  // namespace
}  // namespace penstock::model
