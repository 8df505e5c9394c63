// Whether more rows would help, with learners of which that is known.
#include "components/train/learning_curve.h"

#include <gtest/gtest.h>

#include "components/train/testing/frame_fixture.h"

namespace penstock::train {
namespace {

class LearningCurveTest : public FrameTest {
 protected:
  Json Curve(Json parameters) {
    parameters["learningCurve"] = true;
    const auto ok = Run(std::move(parameters), "m");
    EXPECT_TRUE(ok) << ok.error().message;
    return Metrics("m").value("learningCurve", Json());
  }
};

TEST_F(LearningCurveTest, SaysThatMoreRowsHelpALearnerThatIsTimidForWantOfThem) {
  learners_[0].settings = {"split"};
  learners_[0].timid = 300;
  const Json curve = Curve({});
  const Json& points = curve["points"];
  ASSERT_EQ(points.size(), 3U) << "a sixteenth of 320 rows, and an eighth, are below 50";
  EXPECT_EQ(points[0]["rows"], 80);
  EXPECT_EQ(points[1]["rows"], 160);
  EXPECT_EQ(points[2]["rows"], 320);
  EXPECT_GT(points[0]["value"], points[1]["value"]);
  EXPECT_GT(points[1]["value"], points[2]["value"]);
  EXPECT_EQ(curve["moreRows"], "help");
  EXPECT_NEAR(curve["lastDoubling"]["gain"].get<double>(),
              points[1]["value"].get<double>() - points[2]["value"].get<double>(), 1e-12);
  EXPECT_GT(curve["lastDoubling"]["standardError"], 0.0);
  EXPECT_EQ(ResultOf("m", "moreRows"), "help");
  EXPECT_NE(Text("m/report.html").find("More rows?"), std::string::npos);
}

TEST_F(LearningCurveTest, SaysThatTheyDoNotHelpOneThatHasLearntAllThereIs) {
  learners_[0].settings = {"split"};
  Write("train", RowsOf(20000, 1));
  Write("valid", RowsOf(3000, 2));
  const Json curve = Curve({});
  EXPECT_EQ(curve["points"].size(), 5U);
  EXPECT_EQ(curve["points"][4]["rows"], 20000) << "valid alone judges";
  EXPECT_EQ(curve["moreRows"], "doNotHelp") << curve;
  EXPECT_NEAR(curve["trainingRows"].get<double>(), curve["points"][4]["value"].get<double>(), 0.02);
}

TEST_F(LearningCurveTest, TheLastPointIsWhatTheBoardSaysAndByRmseTheErrorIsOfTheRoot) {
  learners_[0].settings = {"split"};
  learners_[0].timid = 2000;
  const Json curve = Curve({{"label", "y"}, {"model", "boosting"}});
  const Json metrics = Metrics("m");
  EXPECT_EQ(metrics["choice"]["metric"], "rmse");
  EXPECT_EQ(metrics["choice"]["repeats"], 1);
  EXPECT_DOUBLE_EQ(curve["points"].back()["value"].get<double>(),
                   metrics["choice"]["value"].get<double>());
  const double error = curve["lastDoubling"]["standardError"].get<double>();
  EXPECT_GT(error, 0);
  EXPECT_LT(error, curve["points"].back()["standardError"].get<double>())
      << "rows are compared with themselves";
}

TEST_F(LearningCurveTest, IsUndecidedByAucAndNotThereForFewRows) {
  learners_[0].settings = {"split"};
  const Json curve = Curve({{"metric", "auc"}});
  EXPECT_EQ(curve["moreRows"], "undecided");
  EXPECT_FALSE(curve["lastDoubling"].contains("standardError"));
  Write("train", RowsOf(60, 1));
  Write("valid", RowsOf(20, 2));
  EXPECT_TRUE(Curve({}).is_null());
  EXPECT_EQ(ResultOf("m", "moreRows"), "tooFewRows");
  EXPECT_NE(Metrics("m")["notes"].dump().find("no learning curve"), std::string::npos);
  ASSERT_TRUE(Run({}, "n"));
  EXPECT_EQ(ResultOf("n", "moreRows"), "notAsked");
}

TEST_F(LearningCurveTest, AskingForItChangesNoModel) {
  ASSERT_TRUE(Run({}, "a"));
  ASSERT_TRUE(Run({{"learningCurve", true}}, "b"));
  EXPECT_EQ(Text("a/model/fake.json"), Text("b/model/fake.json"));
}

}  // namespace
}  // namespace penstock::train
