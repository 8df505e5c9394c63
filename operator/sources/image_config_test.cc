#include "operator/sources/image_config.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::sources {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

// A registry of one image. Without `token` it asks for one, as public ones do.
struct FakeRegistry {
  std::string config =
      R"({"architecture":"amd64","config":{"Entrypoint":["git"],"Cmd":["--help"]}})";
  std::string manifest =
      Json({{"schemaVersion", 2}, {"config", {{"digest", DigestOf(config)}}}}).dump();
  std::string index =
      Json({{"manifests",
             Json::array({{{"digest", kDigest}, {"platform", {{"os", "windows"}}}},
                          {{"digest", DigestOf(manifest)}, {"platform", {{"os", "linux"}}}}})}})
          .dump();
  std::string served_config = config;
  bool wants_token = true;
  net::FakeServer server{[this](net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    const auto is = [&](const std::string& path) {
      return request.starts_with("GET " + path + " HTTP/1.1\r\n");
    };
    if (request.starts_with("GET /token?scope=repository%3Aalpine%2Fgit%3Apull&service=reg "))
      return c.Answer(200, R"({"token":"t0k"})");
    if (is("/elsewhere")) return c.Answer(200, served_config);
    if (wants_token && request.find("Authorization: Bearer t0k\r\n") == std::string::npos)
      return c.Answer(401, "",
                      "WWW-Authenticate: Bearer realm=\"" + server.url() +
                          "/token\",service=\"reg\",scope=\"any\"\r\n");
    if (is("/v2/alpine/git/manifests/2")) return c.Answer(200, index);
    if (is("/v2/alpine/git/manifests/" + DigestOf(manifest))) return c.Answer(200, manifest);
    if (is("/v2/alpine/git/blobs/" + DigestOf(config)))
      return c.Answer(307, "", "Location: /elsewhere\r\n");
    c.Answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})");
  }};
  [[nodiscard]] std::string Image(const std::string& rest) const {
    return server.url().substr(std::string("http://").size()) + "/" + rest;
  }
};

TEST(AskImage, FindsTheEntryPointOfTheLinuxImageThroughTokenAndRedirect) {
  const FakeRegistry registry;
  const auto image = AskImage(registry.Image("alpine/git:2"), {});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_THAT(image->entrypoint, ElementsAre("git"));
  EXPECT_THAT(image->command, ElementsAre("--help"));
  EXPECT_EQ(image->digest, DigestOf(registry.index));
}

TEST(AskImage, SaysWhatTheRegistrySaysOfAnImageThatIsNotThere) {
  const FakeRegistry registry;
  const auto image = AskImage(registry.Image("alpine/git:3"), {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(image.error().message, HasSubstr("it has no such image 3"));
}

TEST(AskImage, TakesNoBytesThatAreNotThoseOfTheirDigest) {
  FakeRegistry registry;
  registry.served_config = R"({"config":{"Entrypoint":["evil"]}})";
  const auto image = AskImage(registry.Image("alpine/git:2"), {});
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().message, HasSubstr("is not what its digest names"));
}

TEST(AskImage, APrivateOneWantsALogin) {
  net::FakeServer server([](net::FakeConnection& c) {
    (void)c.ReadRequest();
    c.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
  });
  const auto image = AskImage(server.url().substr(7) + "/a/b", {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().kind, ErrorKind::kForbidden);
  EXPECT_THAT(image.error().message, HasSubstr("it wants a login"));
}

TEST(AskImage, ARegistryInTroubleMayAnswerLaterAndOneOfAnotherKindDoesNot) {
  std::string answer = "<html>";
  int status = 503;
  net::FakeServer server([&](net::FakeConnection& c) {
    (void)c.ReadRequest();
    c.Answer(status, answer);
  });
  const std::string image = server.url().substr(7) + "/a/b";
  EXPECT_EQ(AskImage(image, {}).error().kind, ErrorKind::kTransient);
  status = 200;
  for (const char* text : {"<html>", "[]", "{}", R"({"manifests":[]})", R"({"manifests":[1]})",
                           R"({"config":7})", R"({"config":{"digest":"sha256:1"}})"}) {
    answer = text;
    const auto asked = AskImage(image, {});
    ASSERT_FALSE(asked) << text;
    EXPECT_EQ(asked.error().kind, ErrorKind::kInvalid) << text;
  }
}

TEST(AskImage, AsksNoAddressThatMayNotBeAsked) {
  const FakeRegistry registry;
  ImageOptions options;
  options.may_ask = [](const auto&...) -> Result<void> { return Invalid("not this one"); };
  const auto image = AskImage(registry.Image("alpine/git:2"), options);
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().message, HasSubstr("not this one"));
}

}  // namespace
}  // namespace penstock::sources
