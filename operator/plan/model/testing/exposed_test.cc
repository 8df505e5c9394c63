// What is said of a route from a Gateway.
#include <gmock/gmock.h>

#include "operator/plan/model/model_companions.h"
#include "operator/plan/model/testing/model_world.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;

class Exposed : public PlanModels {
 protected:
  Exposed() {
    o_.md.spec.expose.gateway.emplace();
    o_.md.spec.expose.gateway->name = "public";
    o_.md.spec.expose.path = "/flights";
  }
  // The Gateway's controller says this of the route.
  void Answer(const Json& conditions) {
    const Json parent{{"parentRef", {{"name", "public"}}}, {"conditions", conditions}};
    o_.route = DecodeRoute({{"status", {{"parents", Json::array({parent})}}}}, o_.md);
  }
};

TEST_F(Exposed, IsNotRefusedByAControllerThatHasYetToDecide) {
  Serve();
  Answer(Json::array({{{"type", "Accepted"}, {"status", "Unknown"}, {"reason", "Pending"}}}));
  Step();
  EXPECT_EQ(Is("Exposed"), "False RoutePending");
  Answer(Json::array({{{"type", "Accepted"}, {"status", "False"}, {"reason", "NotAllowed"}}}));
  Step();
  EXPECT_EQ(Is("Exposed"), "False RouteRefused");
  Answer(Json::array({{{"type", "Accepted"}, {"status", "True"}},
                      {{"type", "ResolvedRefs"}, {"status", "Unknown"}, {"reason", "Pending"}}}));
  Step();
  EXPECT_EQ(Is("Exposed"), "True Accepted");
}

// "the HTTPRoute is made" was said of it for ever.
TEST_F(Exposed, SaysWhyTheRouteCannotBeMade) {
  Serve();
  o_.companions.erase(Companion::kRoute);
  o_.refusals = {
      {"HTTPRoute flights", {ErrorKind::kAlreadyExists, "it is not of this ModelDeployment"}, 1s}};
  Step();
  EXPECT_EQ(Is("Exposed"), "False NameTaken");
  EXPECT_THAT(Says("Exposed"), HasSubstr("it is not of this ModelDeployment"));
}

TEST_F(Exposed, WaitsForTheServiceThatItLeadsTo) {
  Step();
  EXPECT_EQ(Is("Exposed"), "False RoutePending");
  EXPECT_THAT(Says("Exposed"), HasSubstr("there is no Service yet"));
}

}  // namespace
}  // namespace penstock::plan
