#include "operator/artifacts/s3/store_settings.h"

#include <gtest/gtest.h>

#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/s3/testing/fake_s3.h"

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

const SystemClock kSettingsClock;

std::string Refusal(const std::string& text) {
  const auto parsed = ParseStores(text, "stores.json");
  return parsed ? "taken" : parsed.error().message;
}

TEST(StoreSettings, NameTheFieldThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "stores.json is no object"},
      {R"({"defualt": {}})", "defualt is no field"},
      {R"({"default": {}})", "default.bucket is missing"},
      {R"({"default": {"bucket": 3}})", "default.bucket is not a text"},
      {R"({"default": {"bucket": "abc", "pathStyle": "yes"}})", "pathStyle is not true or false"},
      {R"({"default": {"bucket": "abc", "secret": "x"}})", "default.secret is no field"},
      {R"({"default": {"bucket": "abc", "prefix": "/x"}})", "prefix '/x'"},
      {R"({"namespaces": {"a": {"bucket": "abc", "role": "arn"}}})",
       "namespaces.a: role and tokenFile"},
      {R"({"namespaces": {"a": {"bucket": "abc", "role": "r", "tokenFile": "t",
                                "credentials": "c"}}})",
       "two ways"}};
  for (const auto& [text, part] : cases)
    EXPECT_NE(Refusal(text).find(part), std::string::npos) << Refusal(text);
  EXPECT_EQ(Refusal(R"({"default": null, "namespaces": {}})"), "taken");
}

class StoresOfNamespaces : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    ASSERT_TRUE(WriteFileAtomically(dir_ / "keys" / "AWS_ACCESS_KEY_ID", "fake-access"));
    ASSERT_TRUE(WriteFileAtomically(dir_ / "keys" / "AWS_SECRET_ACCESS_KEY", "fake-secret"));
    ASSERT_TRUE(WriteFileAtomically(dir_ / "in", "content"));
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_)); }
  Result<std::shared_ptr<const Objects>> Make(const std::string& text) {
    const auto settings = ParseStores(text, "stores.json");
    if (!settings) return settings.error();
    return MakeObjects(*settings, std::make_shared<FolderObjects>(dir_ / "volume", Room()),
                       dir_ / "scratch", {}, kSettingsClock);
  }
  const fs::path dir_ = fs::path(testing::TempDir()) / "stores_of_namespaces";
  s3::FakeS3 fake_;
};

TEST_F(StoresOfNamespaces, GoWhereTheFileSaysAndElsewhereToTheVolume) {
  const std::string bucket = R"({"endpoint": ")" + fake_.settings().endpoint +
                             R"(", "bucket": "models", "prefix": "team-a", "credentials": ")" +
                             (dir_ / "keys").string() + R"("})";
  auto objects = Make(R"({"namespaces": {"team-a": )" + bucket + "}}");
  ASSERT_TRUE(objects) << objects.error().message;
  const Store store(dir_ / "volume", Room(), *objects);
  ASSERT_TRUE(store.Put("team-a", dir_ / "in"));
  ASSERT_TRUE(store.Put("team-b", dir_ / "in"));
  const std::string digest = "sha256:" + Sha256Hex("content");
  EXPECT_EQ(fake_.Keys(), std::vector<std::string>{"team-a/" + BlobKey("team-a", digest)});
  EXPECT_TRUE(fs::exists(dir_ / "volume" / BlobKey("team-b", digest)));
  EXPECT_FALSE(fs::exists(dir_ / "volume" / BlobKey("team-a", digest)));
  EXPECT_EQ(store.Namespaces().value(), (std::vector<std::string>{"team-a", "team-b"}));
  const auto seen = store.Look();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_NE(seen->find("team-a in s3://models/team-a/"), std::string::npos) << *seen;
}

TEST_F(StoresOfNamespaces, SayWhichOfThemCannotBe) {
  const auto no_keys = Make(R"({"default": {"bucket": "abc", "endpoint": "http://127.0.0.1:1"}})");
  ASSERT_FALSE(no_keys);
  EXPECT_NE(no_keys.error().message.find("the default store"), std::string::npos);
  EXPECT_NE(no_keys.error().message.find("AWS_ACCESS_KEY_ID"), std::string::npos);
  const auto no_ca = Make(R"({"namespaces": {"team-a": {"bucket": "abc", "caFile": "/none/ca"}}})");
  ASSERT_FALSE(no_ca);
  EXPECT_NE(no_ca.error().message.find("namespace team-a"), std::string::npos);
  EXPECT_NE(no_ca.error().message.find("/none/ca"), std::string::npos);
}

}  // namespace
}  // namespace penstock::artifacts
