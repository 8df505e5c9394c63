#include "operator/routers/observations.h"

#include <gmock/gmock.h>

namespace penstock::routers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const char* kBody = R"({"router": "r-1", "startedAt": "2026-11-29T17:00:00Z",
  "generation": {"flights": "412", "quiet": "9"},
  "deployments": {"flights": {
    "versions": {
      "8": {"requests": 10, "ok": 7, "clientErrors": {"infer:400": 1}, "serverErrors": 1,
            "timeouts": 1, "latency": {"bounds": [0.001, 0.1], "counts": [2, 5, 3]},
            "inFlight": 0, "endpoints": 2, "shadow": {"compared": 5, "decisions": 40, "flips": 3,
              "rows": 40, "shift": {"rows": 38, "lostRows": 2, "values": 80, "sum": 40.5, "shadowSum": 44.5,
              "sumAbsoluteDifference": 4.25, "sumSquaredDifference": 0.5}}},
      "7": {"requests": 90, "ok": 90, "latency": {"bounds": [0.001, 0.1], "counts": [90, 0, 0]}}},
    "certificate": {"inUse": true}, "keys": {"inUse": false, "trouble": "gone\u0007"},
    "ejected": {"version": 8, "why": "error rate 20%\u0007"}}}})";

TEST(Observations, AreWhatARouterSaysOfEachVersion) {
  const auto said = ParseObservations(kBody);
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->run, "2026-11-29T17:00:00Z");
  const DeploymentObservation& flights = said->deployments.at("flights");
  EXPECT_EQ(flights.acknowledged, "412");
  EXPECT_TRUE(flights.certificate.in_use);
  EXPECT_EQ(flights.certificate.trouble, "");
  EXPECT_FALSE(flights.keys.in_use);
  EXPECT_THAT(flights.keys.trouble, testing::HasSubstr("gone"));
  EXPECT_FALSE(said->deployments.at("quiet").keys.in_use);
  EXPECT_EQ(said->deployments.at("quiet").acknowledged, "9");
  EXPECT_THAT(flights.latency_bounds, ElementsAre(0.001, 0.1));
  ASSERT_EQ(flights.versions.size(), 2U);
  EXPECT_EQ(flights.versions[0].version, 7);
  EXPECT_EQ(flights.versions[0].requests, 90);
  const rollout::VersionCounters& eight = flights.versions[1];
  EXPECT_EQ(eight.ok, 7);
  EXPECT_EQ(eight.server_errors, 1);
  EXPECT_EQ(eight.timeouts, 1);
  EXPECT_THAT(eight.client_errors, ElementsAre(Pair("infer:400", 1)));
  EXPECT_THAT(eight.latency, ElementsAre(2, 5, 3));
  EXPECT_EQ(eight.compared, 40);
  EXPECT_EQ(eight.flips, 3);
  EXPECT_EQ(eight.shift.rows, 38);
  EXPECT_EQ(eight.shift.lost_rows, 2);
  EXPECT_FALSE(eight.shift.overflown);
  EXPECT_EQ(eight.shift.values, 80);
  EXPECT_EQ(eight.shift.absolute_differences, 4.25);
  EXPECT_EQ(eight.shift.squared_differences, 0.5);
  EXPECT_EQ(flights.versions[0].shift.values, 0);
  EXPECT_THAT(flights.endpoints, ElementsAre(Pair(7, 0), Pair(8, 2)));
  EXPECT_EQ(flights.ejected, 8);
  EXPECT_EQ(flights.ejected_why.find('\a'), std::string::npos);
}

TEST(Observations, TellOfLoadAndOfWhatWaits) {
  const auto said = ParseObservations(
      R"({"sampledSeconds": 60.5, "deployments": {"flights": {"held": 3, "versions": {"8": {
          "requests": 10, "clientGone": 2, "probes": 4, "inFlight": 5, "inFlightSeconds": 42.25}}}}})");
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->sampled_seconds, 60.5);
  const DeploymentObservation& flights = said->deployments.at("flights");
  EXPECT_EQ(flights.held, 3);
  EXPECT_EQ(flights.versions[0].asked, 8);
  EXPECT_EQ(flights.versions[0].in_flight, 5);
  EXPECT_EQ(flights.versions[0].in_flight_seconds, 42.25);
}

TEST(Observations, ThatSayNothingOfGrpcAreOfARouterWithout) {
  EXPECT_TRUE(ParseObservations(R"({"grpc": true})")->speaks_grpc);
  for (const char* none : {R"({"grpc": false})", R"({})", R"({"grpc": "true"})", R"({"grpc": 1})"})
    EXPECT_FALSE(ParseObservations(none)->speaks_grpc) << none;
}

TEST(Observations, OfLoadThatMakeNoSenseAreNone) {
  const auto said = ParseObservations(
      R"({"sampledSeconds": -1, "deployments": {"flights": {"held": 1e300, "versions": {"8": {
          "requests": 1, "probes": 9, "inFlight": 2.5, "inFlightSeconds": "many"}}}}})");
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->sampled_seconds, 0);
  const DeploymentObservation& flights = said->deployments.at("flights");
  EXPECT_EQ(flights.held, 0);
  EXPECT_EQ(flights.versions[0].asked, 0);
  EXPECT_EQ(flights.versions[0].in_flight, 0);
  EXPECT_EQ(flights.versions[0].in_flight_seconds, 0);
}

TEST(Observations, ThatMakeNoSenseCountNothing) {
  const auto said = ParseObservations(
      R"({"generation": 7, "deployments": {"flights": {"versions": {"x": {"requests": 5},
          "0": {}, "8": {"requests": -5, "ok": "many", "latency": {"bounds": [1], "counts": [1]},
                         "clientErrors": [1], "shadow": {"rows": 2, "shift": {"values": 2,
                         "sumAbsoluteDifference": null, "sumSquaredDifference": 1}}}}}}})");
  ASSERT_TRUE(said) << said.error().message;
  const DeploymentObservation& flights = said->deployments.at("flights");
  ASSERT_EQ(flights.versions.size(), 1U);
  EXPECT_EQ(flights.versions[0].requests, 0);
  EXPECT_EQ(flights.versions[0].ok, 0);
  EXPECT_TRUE(flights.versions[0].shift.overflown) << "a sum that JSON cannot hold";
  EXPECT_THAT(flights.versions[0].latency, IsEmpty());
  EXPECT_THAT(flights.latency_bounds, IsEmpty());
  EXPECT_EQ(flights.acknowledged, "");
  for (const char* body : {"", "[]", "{", "7"})
    EXPECT_EQ(ParseObservations(body).error().kind, ErrorKind::kTransient) << body;
}

}  // namespace
}  // namespace penstock::routers
