#include "components/model/torch_rewrite.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace penstock::model {
namespace {

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
