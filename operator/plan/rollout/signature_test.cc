#include "operator/plan/rollout/signature.h"

#include <gmock/gmock.h>

namespace penstock::rollout {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Signature Of(const std::string& inputs, const std::string& outputs) {
  auto signature =
      ParseSignature(R"({"name":"m","inputs":[)" + inputs + R"(],"outputs":[)" + outputs + "]}");
  EXPECT_TRUE(signature) << signature.error().message;
  return signature ? *signature : Signature();
}
std::string Tensor(const std::string& name, const std::string& datatype, const std::string& shape,
                   const std::string& more = "") {
  return R"({"name":")" + name + R"(","datatype":")" + datatype + R"(","shape":)" + shape + more +
         "}";
}
const char* const kTakesNull = R"(,"parameters":{"nullable":true})";
const char* const kTakesNoNull = R"(,"parameters":{"nullable":false})";

std::vector<std::string> OfInputs(const std::string& stable, const std::string& candidate) {
  const std::string y = Tensor("y", "FP32", "[-1]");
  return SignatureBreaks(Of(stable, y), Of(candidate, y));
}
std::vector<std::string> OfOutputs(const std::string& stable, const std::string& candidate) {
  const std::string x = Tensor("x", "FP32", "[-1]");
  return SignatureBreaks(Of(x, stable), Of(x, candidate));
}

TEST(SignatureBreaks, AreNoneBetweenVersionsThatTakeAndAnswerTheSame) {
  const std::string x = Tensor("x", "FP32", "[-1,4]") + "," + Tensor("day", "BYTES", "[-1]");
  EXPECT_THAT(OfInputs(x, x), IsEmpty());
  EXPECT_THAT(OfInputs(x, Tensor("day", "BYTES", "[-1]") + "," + Tensor("x", "FP32", "[-1,4]")),
              IsEmpty());
}

TEST(SignatureBreaks, NameAnInputThatIsGoneOrOfAnotherType) {
  EXPECT_THAT(
      OfInputs(Tensor("x", "FP32", "[-1]") + "," + Tensor("hour", "INT64", "[-1]"),
               Tensor("x", "FP64", "[-1]")),
      ElementsAre("input \"x\": datatype FP32 became FP64", "input \"hour\": was INT64, is gone"));
}

TEST(SignatureBreaks, NameAnInputThatIsNewUnlessItMayBeLeftOut) {
  const std::string x = Tensor("x", "FP32", "[-1]");
  EXPECT_THAT(OfInputs(x, x + "," + Tensor("month", "BYTES", "[-1]")),
              ElementsAre("input \"month\": was not there, is BYTES and must be sent"));
  EXPECT_THAT(OfInputs(x, x + "," + Tensor("month", "BYTES", "[-1]", ",\"optional\":true")),
              IsEmpty());
}

TEST(SignatureBreaks, LetAnInputTakeMoreSizesButNotFewer) {
  EXPECT_THAT(OfInputs(Tensor("x", "FP32", "[1,4]"), Tensor("x", "FP32", "[-1,4]")), IsEmpty());
  EXPECT_THAT(OfInputs(Tensor("x", "FP32", "[-1,4]"), Tensor("x", "FP32", "[1,4]")),
              ElementsAre("input \"x\": shape [-1, 4] became [1, 4]"));
  EXPECT_THAT(OfInputs(Tensor("x", "FP32", "[-1,4]"), Tensor("x", "FP32", "[-1]")),
              ElementsAre("input \"x\": shape [-1, 4] became [-1]"));
}

TEST(SignatureBreaks, NameAnInputThatTakesNoNullAnyMore) {
  const std::string takes = Tensor("x", "BYTES", "[-1]", kTakesNull);
  const std::string takes_none = Tensor("x", "BYTES", "[-1]", kTakesNoNull);
  EXPECT_THAT(OfInputs(takes, takes_none), ElementsAre("input \"x\": nullable true became false"));
  EXPECT_THAT(OfInputs(takes_none, takes), IsEmpty());
  EXPECT_THAT(OfInputs(takes, Tensor("x", "BYTES", "[-1]")), IsEmpty()) << "it was not told";
}

TEST(SignatureBreaks, LetOutputsBeMoreButNotOthers) {
  const std::string y = Tensor("y", "FP32", "[-1,3]");
  EXPECT_THAT(OfOutputs(y, y + "," + Tensor("label", "BYTES", "[-1]")), IsEmpty());
  EXPECT_THAT(OfOutputs(y + "," + Tensor("label", "BYTES", "[-1]"), y),
              ElementsAre("output \"label\": was BYTES, is gone"));
  EXPECT_THAT(OfOutputs(y, Tensor("y", "FP32", "[-1,4]")),
              ElementsAre("output \"y\": shape [-1, 3] became [-1, 4]"));
  EXPECT_THAT(OfOutputs(Tensor("y", "FP32", "[-1,-1]"), y), IsEmpty());
}

TEST(ParseSignature, RefusesWhatTellsNone) {
  EXPECT_THAT(ParseSignature("<html>").error().message, HasSubstr("the model's metadata"));
  EXPECT_THAT(ParseSignature("[]").error().message, HasSubstr("not as V2 has them"));
  EXPECT_THAT(ParseSignature(R"({"inputs":[],"outputs":[]})").error().message,
              HasSubstr("neither inputs nor outputs"));
  for (const char* bad : {R"({"inputs":[{"name":"x"}]})", R"({"inputs":[1]})",
                          R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1.5]}]})",
                          R"({"inputs":[{"name":"x","datatype":"FP32","shape":"[-1]"}]})"})
    EXPECT_THAT(ParseSignature(bad).error().message, HasSubstr("not as V2 has them")) << bad;
}

}  // namespace
}  // namespace penstock::rollout
