#include "operator/oci/logins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::oci {
namespace {

using testing::HasSubstr;

TEST(Logins, ChoosesTheOneThatWasSaidForMostOfTheName) {
  Logins logins;
  ASSERT_TRUE(logins.Add(R"({"auths":{
    "https://r.example.com/v2/":{"auth":"dTE6cDE="},
    "r.example.com/team":{"username":"u2","password":"p:2"},
    "https://index.docker.io/v1/":{"auth":"dTM6cDM="}}})"));
  EXPECT_EQ(logins.For("r.example.com", "other/m"), (Login{"u1", "p1"}));
  EXPECT_EQ(logins.For("r.example.com", "team/m"), (Login{"u2", "p:2"}));
  EXPECT_EQ(logins.For("r.example.com", "teams/m"), (Login{"u1", "p1"}));
  EXPECT_EQ(logins.For("registry-1.docker.io", "library/x"), (Login{"u3", "p3"}));
  EXPECT_EQ(logins.For("r.example.com:5000", "m"), std::nullopt);
}

TEST(Logins, SaysWhatIsWrongAndShowsNoPassword) {
  const auto error = [](const std::string& text) {
    Logins logins;
    auto added = logins.Add(text);
    return added ? std::string() : added.error().message;
  };
  EXPECT_THAT(error("{}"), HasSubstr("has no \"auths\""));
  EXPECT_THAT(error("{"), HasSubstr(".dockerconfigjson"));
  EXPECT_THAT(error(R"({"auths":{"r":{"auth":"bm9jb2xvbg=="}}})"), HasSubstr("no user:password"));
  const std::string token =
      error(R"({"auths":{"r":{"auth":"dTpwYXNz","identitytoken":"s3cret"}}})");
  EXPECT_THAT(token, HasSubstr("identity token, which is not spoken"));
  EXPECT_THAT(token, Not(HasSubstr("s3cret")));
  EXPECT_EQ(error(R"({"auths":{"r":{}}})"), "");
}

TEST(Logins, OfAFolderThatIsNotThereAreNone) {
  const auto logins = Logins::Read("/nowhere/at/all");
  ASSERT_TRUE(logins);
  EXPECT_EQ(logins->For("r", "m"), std::nullopt);
}

}  // namespace
}  // namespace penstock::oci
