// Of ModelDeployments whose image is the version, and of short histories.
#include <gmock/gmock.h>

#include "operator/plan/model/testing/model_world.h"
#include "operator/protocol/model_source.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class ImageModels : public PlanModels {
 protected:
  ImageModels() { Image('a'); }
  void Image(char digest) {
    o_.md.spec.model = api::kModelOfImage;
    o_.md.spec.server.container.emplace();
    o_.md.spec.server.container->container.image = "r/app@" + Digest(digest);
    o_.md.spec.server.container->container.port = 8000;
    o_.target = ModelRef(Digest(digest), true, 0, SourceOfImage("r/app@" + Digest(digest)));
  }
  // Penstock's own server of an artifact of the store.
  void Fetched(char digest) {
    o_.md.spec.model = Digest(digest);
    o_.md.spec.server.container.reset();
    Follow(digest);
  }
  void Promote(std::int64_t version) {
    Ready(version);
    Step();
    Step();
    o_.service_for = 31s;
    o_.endpoints = {{version, 2}};
    Step();  // what served before is gone
  }
};

TEST_F(ImageModels, GoOnAsTheyAreUntilAFetchedModelThatTheSpecNowNamesServes) {
  Serve();
  Fetched('b');
  o_.md.spec.pod_labels = {{"team", "ml"}};
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  EXPECT_EQ(last_["spec"]["template"]["spec"]["containers"][0]["image"], "serve:1");
  EXPECT_EQ(Is("Available"), "True Serving");
  Promote(2);
  EXPECT_EQ(plan_.status.stable->version, 2);
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(ImageModels, ComeAfterAFetchedModelThatGoesOnAsItIs) {
  Fetched('a');
  Serve();
  Image('b');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
  const Json pod = last_["spec"]["template"]["spec"];
  EXPECT_EQ(pod["containers"][0]["image"], "r/app@" + Digest('b'));
  EXPECT_FALSE(pod.contains("initContainers"));
}

TEST_F(ImageModels, AreNotMadeOfASpecThatHasNoServerForThem) {
  Serve();
  Fetched('b');
  o_.deployments.clear();
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
}

TEST_F(ImageModels, ComeBackWithTheirOwnImage) {
  Serve();
  Image('b');
  Step();
  Promote(2);
  ASSERT_EQ(plan_.status.stable->version, 2);
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  EXPECT_THAT(Step(), ElementsAre("apply flights-v1"));
  EXPECT_EQ(last_["spec"]["template"]["spec"]["containers"][0]["image"], "r/app@" + Digest('a'));
}

TEST_F(ImageModels, ComeBackOnlyWhereTheSpecIsOfAnImage) {
  Serve();
  Fetched('b');
  Step();
  Promote(2);
  ASSERT_EQ(plan_.status.stable->version, 2);
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(Says("Ready"), HasSubstr("version 1 is its server's image, and spec.model says"));
  EXPECT_EQ(plan_.status.stable->version, 2);
}

TEST_F(ImageModels, WithAHistoryOfOneServeUntilTheSwitchAndComeBack) {
  o_.md.spec.revision_history_limit = 1;
  Serve();
  for (const char digest : {'b', 'c'}) {
    Image(digest);
    Step();
    const std::int64_t version = digest == 'b' ? 2 : 3;
    Ready(version);
    Step();
    EXPECT_THAT(Step(), IsEmpty()) << "endpoints may still be the old version's";
    o_.service_for = 31s;
    o_.endpoints = {{version, 2}};
    EXPECT_THAT(Step(), ElementsAre("delete flights-v" + std::to_string(version - 1)));
    Step();
  }
  EXPECT_EQ(plan_.status.history.size(), 2U);
  o_.md.meta.annotations[api::kAnnotationUndo] = "3";
  EXPECT_THAT(Step(), ElementsAre("apply flights-v2"));
}

TEST_F(ImageModels, WithAHistoryOfOneDoNotTryAgainWhatWasUndoneOrRefused) {
  o_.md.spec.revision_history_limit = 1;
  Fetched('a');
  Serve();
  Fetched('b');
  Step();
  Promote(2);
  o_.md.meta.annotations[api::kAnnotationUndo] = "2";
  Step();
  Promote(1);
  ASSERT_EQ(plan_.status.stable->version, 1);
  EXPECT_THAT(Step(), IsEmpty()) << "it was undone";
  Fetched('c');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v3"));
  o_.pods = {Ended(3, kServeContainer, 1, 3, "no such operator")};
  Step();
  EXPECT_THAT(Step(), ElementsAre("delete flights-v3"));
  EXPECT_THAT(Step(), IsEmpty()) << "it was rejected";
  Fetched('d');
  EXPECT_THAT(Step(), ElementsAre("apply flights-v4")) << "no number is given twice";
}

}  // namespace
}  // namespace penstock::plan
