#include "operator/rollouts/rows_measure.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"

namespace penstock::rollouts {
namespace {

using ::testing::HasSubstr;

// Rows x = 1, 2, 3 with the answers 2, 4, 6.
std::string Rows() {
  std::string text;
  for (int x = 1; x <= 3; ++x)
    text += Json{{"request",
                  {{"inputs",
                    Json::array(
                        {{{"name", "x"}, {"datatype", "FP32"}, {"shape", {1}}, {"data", {x}}}})}}},
                 {"response",
                  {{"outputs", Json::array({{{"name", "y"}, {"shape", {1}}, {"data", {2 * x}}}})}}}}
                .dump() +
            "\n";
  return text;
}

class RowsOfAVersion : public ::testing::Test {
 protected:
  // Of pod "old" and pod "new": y = factor * x; 0: no outputs; below: a status.
  GateMeasure Measured() {
    const AskServer ask = [this](const rollout::ServerAddress& server,
                                 const ServerRequest& request) -> Result<ServerAnswer> {
      EXPECT_EQ(request.target, "/v2/models/flights/infer");
      ++asked_;
      const double factor = server.pod == "old" ? old_ : new_;
      if (factor == 0) return ServerAnswer{200, R"({"outputs":[]})"};
      if (factor < 0) return ServerAnswer{static_cast<int>(-factor), R"({"error":"no"})"};
      const double x = Json::parse(request.body)["inputs"][0]["data"][0];
      const Json y{{"name", "y"}, {"shape", {1}}, {"data", {factor * x}}};
      return ServerAnswer{200, Json{{"outputs", Json::array({y})}}.dump()};
    };
    rollout::ServersToAsk servers{"flights", {"new", "10.0.0.8", 80}, {}};
    if (has_stable_) servers.stable = rollout::ServerAddress{"old", "10.0.0.7", 80};
    return MeasureRows(gate_, text_, servers, {ask, clock_, {}});
  }

  SystemClock clock_;
  std::string text_ = Rows();
  api::RowsGate gate_;
  double old_ = 2;
  double new_ = 2;
  bool has_stable_ = true;
  int asked_ = 0;
};

TEST_F(RowsOfAVersion, AreGoodWhereAllAreAnsweredAsRecorded) {
  const GateMeasure m = Measured();
  EXPECT_TRUE(m.good) << m.error;
  EXPECT_EQ(m.value, 0);
  EXPECT_EQ(m.samples, 3);
  EXPECT_EQ(asked_, 3) << "the stable version is not asked";
}

TEST_F(RowsOfAVersion, NameLineOutputExpectedAndGot) {
  new_ = 2.5;
  GateMeasure m = Measured();
  EXPECT_FALSE(m.good);
  EXPECT_EQ(m.error, "");
  EXPECT_EQ(m.value, 3);
  EXPECT_THAT(m.message, HasSubstr("3 of 3 rows are answered otherwise"));
  EXPECT_THAT(m.message, HasSubstr("line 1: output \"y\"[0]: expected 2, got 2.5"));
  gate_.tolerance = "0.3";  // of the expected, where that is above 1
  EXPECT_TRUE(Measured().good);
  gate_.tolerance = "";
  gate_.max_mismatches = 3;
  EXPECT_TRUE(Measured().good);
}

TEST_F(RowsOfAVersion, CountARefusalAsAnotherAnswer) {
  new_ = -400;
  const GateMeasure m = Measured();
  EXPECT_FALSE(m.good);
  EXPECT_THAT(m.message, HasSubstr("line 1: answered 400"));
}

TEST_F(RowsOfAVersion, MeasureNothingWhereAServerIsBusyOrTheRowsAreNone) {
  new_ = -503;
  EXPECT_THAT(Measured().error, HasSubstr("line 1: the new version: answered 503"));
  new_ = 2;
  text_ = "{}";
  EXPECT_THAT(Measured().error, HasSubstr("line 1 has no request"));
}

TEST_F(RowsOfAVersion, PassNotWhereAnAnswerHasNoOutputs) {
  new_ = 0;
  EXPECT_THAT(Measured().message, HasSubstr("3 of 3 rows are answered otherwise"));
  gate_.expect = api::RowsExpect::kStable;
  old_ = 0;
  EXPECT_THAT(Measured().error, HasSubstr("the stable version refuses every row"));
}

TEST_F(RowsOfAVersion, ExpectWhatTheStableVersionAnswersNow) {
  gate_.expect = api::RowsExpect::kStable;
  old_ = new_ = 5;  // not as recorded
  EXPECT_TRUE(Measured().good);
  EXPECT_EQ(asked_, 6);
  new_ = 6;
  EXPECT_THAT(Measured().message, HasSubstr("expected 5.0, got 6.0"));
  old_ = -503;
  EXPECT_THAT(Measured().error, HasSubstr("the stable version: answered 503"));
  old_ = -400;
  EXPECT_THAT(Measured().error, HasSubstr("the stable version refuses every row"));
  has_stable_ = false;
  EXPECT_THAT(Measured().error, HasSubstr("no stable version"));
}

}  // namespace
}  // namespace penstock::rollouts
