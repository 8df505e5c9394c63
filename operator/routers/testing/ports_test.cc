#include "operator/routers/ports.h"

#include <gtest/gtest.h>

namespace penstock::routers {
namespace {

using Snapshots = std::vector<std::shared_ptr<const api::ModelDeployment>>;

api::ModelDeployment Named(const std::string& name, int port, int created = 0) {
  api::ModelDeployment md;
  md.meta.name = name;
  md.meta.namespace_ = "team";
  md.meta.uid = name + "-uid";
  md.meta.created = TimePoint(std::chrono::seconds(created));
  md.status.router.port = port;
  return md;
}

Snapshots All(const std::vector<api::ModelDeployment>& mds) {
  Snapshots all;
  for (const auto& md : mds) all.push_back(std::make_shared<const api::ModelDeployment>(md));
  return all;
}

TEST(Ports, AreKeptAndTheFirstFreeOneIsTaken) {
  Ports ports;
  const Snapshots all = All({Named("a", 20001), Named("b", 20003), Named("c", 0)});
  EXPECT_EQ(ports.Take(*all[0], all).value(), 20001);
  EXPECT_EQ(ports.Take(*all[2], all).value(), 20002);
  EXPECT_EQ(ports.Take(*all[2], all).value(), 20002);
}

TEST(Ports, OneThatStandsInNoStatusYetIsGivenToNobodyElse) {
  Ports ports;
  const Snapshots all = All({Named("a", 0), Named("b", 0)});
  EXPECT_EQ(ports.Take(*all[0], all).value(), 20001);
  EXPECT_EQ(ports.Take(*all[1], all).value(), 20002);
  ports.Forget("team", "a");
  EXPECT_EQ(ports.Take(Named("c", 0), all).value(), 20001);
}

TEST(Ports, OfTwoThatSayTheSameTheOlderOneKeepsIt) {
  Ports ports;
  const Snapshots all = All({Named("restored", 20001, 9), Named("there", 20001, 5)});
  EXPECT_EQ(ports.Take(*all[0], all).value(), 20002);
  EXPECT_EQ(ports.Take(*all[1], all).value(), 20001);
}

TEST(Ports, AModelThatSpeaksGrpcHasOneMoreWhichNobodyElseGets) {
  Ports ports;
  api::ModelDeployment a = Named("a", 20001);
  const Snapshots all = All({a, Named("b", 0)});
  EXPECT_EQ(ports.Take(a, all, Protocol::kGrpc).value(), 20002);
  EXPECT_EQ(ports.Take(*all[1], all).value(), 20003);
  a.status.router.grpc_port = 20002;
  const Snapshots later = All({a, Named("b", 20003), Named("c", 0)});
  EXPECT_EQ(ports.Take(a, later, Protocol::kGrpc).value(), 20002);
  EXPECT_EQ(ports.Take(*later[2], later).value(), 20004);
  EXPECT_EQ(ports.Take(*later[2], later, Protocol::kGrpc).value(), 20005);
}

TEST(Ports, AStatusThatSaysOnePortForBothIsMended) {
  Ports ports;
  api::ModelDeployment a = Named("a", 20001);
  a.status.router.grpc_port = 20001;
  const Snapshots all = All({a});
  EXPECT_EQ(ports.Take(a, all).value(), 20001);
  EXPECT_EQ(ports.Take(a, all, Protocol::kGrpc).value(), 20002);
}

TEST(Ports, ThatAreAllTakenAreToldAsSuch) {
  Ports ports;
  std::vector<api::ModelDeployment> many;
  for (int port = 20001; port <= 29999; ++port)
    many.push_back(Named("m" + std::to_string(port), port));
  const auto none = ports.Take(Named("late", 0), All(many));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace penstock::routers
