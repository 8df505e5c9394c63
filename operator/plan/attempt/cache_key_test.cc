#include "operator/plan/attempt/cache_key.h"

#include <gtest/gtest.h>

#include <functional>

#include "operator/base/json.h"

namespace penstock::plan {
namespace {

class CacheKeys : public ::testing::Test {
 protected:
  CacheKeys() {
    step_.container.image = "repo/x:1@sha256:" + std::string(64, '1');
    step_.container.command = {"run"};
    step_.outputs = {{"o", "dataset", false, ""}};
    in_.namespace_ = "team";
    in_.parameters = {{"a", 1}};
    in_.input_identities = {{"i", "sha256:1"}};
  }
  std::string Key(const std::function<void()>& change = {}) {
    const auto step = step_;
    const auto in = in_;
    if (change) change();
    in_.step = &step_;
    const CacheKey key = ComputeCacheKey(in_);
    step_ = step;
    in_ = in;
    return key.key.empty() ? key.why_not : key.key;
  }
  ResolvedStep step_;
  CacheKeyInputs in_;
};

TEST_F(CacheKeys, OfContainersInTurnChangeWithEachOfThem) {
  api::StepContainer c;
  c.name = "a";
  c.program.image = step_.container.image;
  c.program.command = {"run"};
  step_.container = {};
  step_.containers = {c, c};
  const std::string base = Key();
  ASSERT_EQ(base.size(), 64U) << base;
  EXPECT_NE(Key([&] { step_.containers[1].program.command = {"walk"}; }), base);
  EXPECT_NE(Key([&] {
              step_.containers[0].program.env = {{{"name", "A"}, {"value", "b"}}};
            }),
            base);
  EXPECT_NE(Key([&] { step_.containers[0].on_error = api::ErrorPolicy::kContinue; }), base);
  EXPECT_NE(Key([&] { step_.containers.pop_back(); }), base);
  EXPECT_EQ(Key([&] { step_.containers[1].resources = {{"requests", {{"cpu", "1"}}}}; }), base);
  EXPECT_EQ(Key([&] { step_.containers[1].program.image = "gcc:14"; }), "ImageNotPinned");
  EXPECT_EQ(Key([&] { step_.containers[1].program.env_from = {Json::object()}; }),
            "SecretsWithoutSalt");
}

TEST_F(CacheKeys, OfAStepWithASidecarChangeWithItAndNeedItsDigest) {
  const std::string base = Key();
  const auto with = [&](const std::string& image) {
    return Key([&] {
      api::SidecarSpec s;
      s.name = "db";
      s.program.image = image;
      step_.sidecars = {s};
    });
  };
  const std::string pinned = with("pg@sha256:" + std::string(64, '2'));
  EXPECT_EQ(pinned.size(), 64U) << pinned;
  EXPECT_NE(pinned, base);
  EXPECT_NE(with("pg@sha256:" + std::string(64, '3')), pinned);
  EXPECT_EQ(with("pg:16"), "ImageNotPinned");
}

TEST_F(CacheKeys, ChangeWithEverythingThatDecidesTheOutput) {
  const std::string base = Key();
  ASSERT_EQ(base.size(), 64u);
  EXPECT_EQ(Key(), base);
  const std::vector<std::function<void()>> changes{
      [&] { in_.namespace_ = "other"; },
      [&] { step_.container.image = "repo/x@sha256:" + std::string(64, '2'); },
      [&] {
        step_.container.command = {"run", "x"};
      },
      [&] { step_.container.args = {"x"}; },
      [&] { step_.container.working_dir = "/x"; },
      [&] {
        step_.container.env = {Json{{"name", "A"}, {"value", "b"}}};
      },
      [&] { step_.scheduling.service_account_name = "reader"; },
      [&] { in_.parameters["a"] = 2; },
      [&] { in_.parameters["a"] = "1"; },
      [&] { in_.input_identities["i"] = "sha256:2"; },
      [&] {
        in_.input_identities = {{"j", "sha256:1"}};
      },
      [&] { in_.source_identities["i"] = "sha256:1"; },
      [&] { in_.source_identities["i"] = "https://h/x etag:1"; },
      [&] { step_.outputs[0].type = "model"; },
      [&] {
        step_.results = {{"r", api::ValueType::kNumber, ""}};
      },
      [&] { in_.own_code = "sha256:c"; },
      [&] { step_.cache.salt = "s"; },
      [&] { in_.values["each"]["value"] = 1; }};
  std::set<std::string> keys{base};
  for (const auto& change : changes) keys.insert(Key(change));
  EXPECT_EQ(keys.size(), changes.size() + 1);
}

// Another claim gave what was made with the one before.
TEST_F(CacheKeys, ChangeWithTheNamesOfWhatTheEnvironmentIsTakenFrom) {
  step_.cache.salt = "1";
  const auto env = [&](const std::string& secret) {
    return Key([&] {
      step_.container.env = {
          Json::parse(R"({"name": "A", "valueFrom": {"secretKeyRef": {"name": ")" + secret +
                      R"(", "key": "k"}}})")};
    });
  };
  EXPECT_EQ(env("a").size(), 64U) << env("a");
  EXPECT_NE(env("a"), env("b"));
  const auto from = [&](const std::string& config) {
    return Key([&] { step_.container.env_from = {{{"configMapRef", {{"name", config}}}}}; });
  };
  EXPECT_NE(from("a"), from("b"));
}

TEST_F(CacheKeys, ChangeWithWhatIsMountedAndWhereAndNotWithItsName) {
  const auto volume = [](const std::string& name, const std::string& rest) {
    return Json::parse(R"({"name": ")" + name + "\", " + rest + "}");
  };
  const auto mount = [](const std::string& name, const std::string& path) {
    return Json{{"name", name}, {"mountPath", path}};
  };
  const std::string claim = R"("persistentVolumeClaim": {"claimName": "a"})";
  step_.cache.salt = "s";
  const std::string without = Key();
  step_.volumes = {volume("v", claim), volume("w", R"("emptyDir": {})")};
  EXPECT_EQ(Key(), without) << "nothing is mounted";
  step_.container.volume_mounts = {mount("v", "/v"), mount("w", "/w")};
  const std::string base = Key();
  const std::vector<std::function<void()>> others{
      [&] { step_.volumes[0]["persistentVolumeClaim"]["claimName"] = "b"; },
      [&] { step_.volumes[0] = volume("v", R"("configMap": {"name": "a"})"); },
      [&] { step_.volumes[1] = volume("w", R"("ephemeral": {"volumeClaimTemplate": {}})"); },
      [&] { step_.container.volume_mounts[0]["mountPath"] = "/x"; },
      [&] { step_.container.volume_mounts[0]["subPath"] = "x"; },
      [&] { step_.container.volume_mounts.pop_back(); },
      [&] {
        step_.volumes.erase(step_.volumes.begin());
        step_.run_volumes = {"v"};
      }};
  std::set<std::string> keys{base, without};
  for (const auto& change : others) keys.insert(Key(change));
  EXPECT_EQ(keys.size(), others.size() + 2);
  EXPECT_EQ(
      Key([&] {
        step_.volumes = {volume("w", R"("emptyDir": {"sizeLimit": "1Gi"})"), volume("data", claim)};
        step_.container.volume_mounts = {mount("w", "/w"), mount("data", "/v")};
      }),
      base)
      << "by another name, in another order, and of another size";
  api::StepContainer c;
  c.program = step_.container;
  step_.container = {};
  step_.containers = {c};
  const std::string in_turn = Key();
  EXPECT_NE(Key([&] { step_.volumes[0]["persistentVolumeClaim"]["claimName"] = "b"; }), in_turn);
}

TEST_F(CacheKeys, DoNotChangeWithWhereAStepRuns) {
  const std::string base = Key();
  EXPECT_EQ(Key([&] { step_.name = "other"; }), base);
  EXPECT_EQ(Key([&] { step_.resources = {{"limits", {{"cpu", 2}}}}; }), base);
  EXPECT_EQ(Key([&] { step_.scheduling.node_selector = {{"a", "b"}}; }), base);
  EXPECT_EQ(Key([&] { step_.retry.user.limit = 3; }), base);
  EXPECT_EQ(Key([&] { step_.container.image = "mirror/y@sha256:" + std::string(64, '1'); }), base);
  EXPECT_EQ(Key([&] { in_.parameters["a"] = 1.0; }), base);
}

TEST_F(CacheKeys, ACodeVersionStandsForTheImage) {
  const auto with = [&](const std::string& image, bool library) {
    return Key([&] {
      step_.component = "train-1.4.0";
      step_.code_version = "7";
      step_.library = library;
      step_.container.image = image;
    });
  };
  EXPECT_EQ(with("a:1", true), with("b:2", true));
  EXPECT_NE(with("a:1", true), with("a:1", false));
}

TEST_F(CacheKeys, CanBeToldOnceTheSourcesAreRead) {
  in_.step = &step_;
  in_.source_identities["u"] = "";
  const CacheKey before = ComputeCacheKey(in_);
  EXPECT_EQ(before.key, "");
  const auto identities =
      std::map<std::string, std::string>{{"u", SourceIdentity("https://h/x", "etag:1")}};
  in_.source_identities = identities;
  const CacheKey known = ComputeCacheKey(in_);
  EXPECT_EQ(known.key, WithSources(before.base, identities));
  EXPECT_EQ(WithSources(before.base, {{"u", ""}}), "");
  EXPECT_EQ(SourceIdentity("https://h/x", "sha256:1"),
            SourceIdentity("https://mirror/x", "sha256:1"));
  EXPECT_NE(SourceIdentity("https://h/x", "etag:1"), SourceIdentity("https://mirror/x", "etag:1"));
}

TEST(SourceName, IsTheUriUnlessThatHasAQuery) {
  EXPECT_EQ(SourceName("https://h/x"), "https://h/x");
  EXPECT_EQ(SourceName("file:///what?.csv"), "file:///what?.csv");
  const std::string name = SourceName("https://h/x?sig=1");
  EXPECT_EQ(name.rfind("https://h/x?... ", 0), 0u);
  EXPECT_NE(name, SourceName("https://h/x?sig=2"));
  EXPECT_EQ(SourceName(name), name) << "an annotation is read back";
  EXPECT_EQ(SourceIdentity(name, "etag:1"), SourceIdentity("https://h/x?sig=1", "etag:1"));
  EXPECT_EQ(SourceIdentity("https://h/x", "etag:1"), "https://h/x etag:1")
      << "as older keys have it";
}

TEST_F(CacheKeys, SayWhyThereIsNone) {
  EXPECT_EQ(Key([&] { step_.cache.enabled = false; }), "Disabled");
  EXPECT_EQ(Key([&] { step_.container.image = "repo/x:1"; }), "ImageNotPinned");
  EXPECT_EQ(Key([&] { step_.container.image = "x@sha256:123"; }), "ImageNotPinned");
  EXPECT_EQ(Key([&] { in_.source_identities["u"] = ""; }), "NoFingerprint");
  EXPECT_EQ(Key([&] { step_.container.env_from = {Json::object()}; }), "SecretsWithoutSalt");
  EXPECT_EQ(Key([&] { step_.container.volume_mounts = {Json::object()}; }), "SecretsWithoutSalt");
  const auto salted = [&] {
    step_.container.env = {Json{{"name", "A"}, {"valueFrom", Json::object()}}};
    step_.cache.salt = "s";
  };
  EXPECT_EQ(Key(salted).size(), 64u);
  EXPECT_EQ(Key([&] {
              step_.container.image = "repo/x:1";
              step_.cache.trust_tag = true;
            }).size(),
            64u);
}

}  // namespace
}  // namespace penstock::plan
