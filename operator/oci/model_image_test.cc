// Models from a registry in this process.
#include "operator/oci/model_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "operator/base/file.h"
#include "operator/oci/testing/fake_registry.h"

namespace penstock::oci {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Wants = FakeRegistry::Wants;

constexpr const char* kImage = "application/vnd.oci.image.config.v1+json";
constexpr const char* kArtifact = "application/vnd.oci.empty.v1+json";
constexpr const char* kTar = "application/vnd.oci.image.layer.v1.tar";
constexpr const char* kTarGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr const char* kLogin = R"({"auths":{"127.0.0.1":{"auth":"dXNlcjpzZWNyZXQ="}}})";

class ModelImageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-oci-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    fs::create_directories(dir_ / "from/models/1");
    std::ofstream(dir_ / "from/models/1/weights") << std::string(300'000, 'w');
    std::ofstream(dir_ / "from/etc-passwd") << "x";
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string Tar(const std::string& flags) {
    const std::string command =
        "tar -C " + (dir_ / "from").string() + " -c" + flags + "f " + (dir_ / "t").string() + " .";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return ReadFile(dir_ / "t").value();
  }

  // "" or what went wrong.
  std::string Fetch(const FakeRegistry& from, const std::string& digest, bool with_login = false) {
    const auto name = ParseImageName(from.Name());
    EXPECT_TRUE(name);
    RegistryOptions options;
    options.blobs.first_pause = std::chrono::milliseconds(1);
    if (with_login) {
      std::string login = kLogin;
      login.replace(login.find("127.0.0.1"), 9, name->registry);
      EXPECT_TRUE(options.logins.Add(login));
    }
    Registry registry(*name, options);
    fs::remove_all(dir_ / "to");
    fs::create_directories(dir_ / "to");
    auto done = FetchModelImage(registry, digest, dir_ / "to", limits_);
    kind_ = done ? ErrorKind::kInternal : done.error().kind;
    return done ? "" : done.error().message;
  }
  std::string Read(const std::string& path) { return ReadFile(dir_ / "to" / path).value_or("-"); }

  fs::path dir_;
  archive::UnpackLimits limits_;
  ErrorKind kind_ = ErrorKind::kInternal;
};

TEST_F(ModelImageTest, OfAnImageIsWhatStandsUnderModels) {
  FakeRegistry registry;
  const auto digest = registry.Manifest(Json::array({registry.Layer(Tar("z"), kTarGzip)}), kImage);
  EXPECT_EQ(Fetch(registry, digest), "");
  EXPECT_EQ(Read("1/weights").size(), 300'000U);
  EXPECT_FALSE(fs::exists(dir_ / "to/etc-passwd"));
}

TEST_F(ModelImageTest, OfAnImageWithoutThatFolderIsSaidSo) {
  FakeRegistry registry;
  fs::rename(dir_ / "from/models", dir_ / "from/other");
  const auto digest = registry.Manifest(Json::array({registry.Layer(Tar(""), kTar)}), kImage);
  EXPECT_THAT(Fetch(registry, digest), HasSubstr("no file under /models"));
}

TEST_F(ModelImageTest, OfAnArtifactAreItsTitledFilesAndUnpackedFolders) {
  FakeRegistry registry;
  const auto digest = registry.Manifest(
      Json::array({registry.Layer("yaml", kTar, {{"org.opencontainers.image.title", "model.yaml"}}),
                   registry.Layer("big", "application/vnd.cncf.model.weight.v1.raw",
                                  {{"org.cncf.model.filepath", "w/weights"}}),
                   registry.Layer(Tar("z"), kTarGzip,
                                  {{"org.opencontainers.image.title", "models"},
                                   {"io.deis.oras.content.unpack", "true"}})}),
      kArtifact);
  EXPECT_EQ(Fetch(registry, digest), "");
  EXPECT_EQ(Read("model.yaml"), "yaml");
  EXPECT_EQ(Read("w/weights"), "big");
  EXPECT_EQ(Read("models/1/weights").size(), 300'000U);
}

TEST_F(ModelImageTest, OfAnIndexIsThatOfLinuxAndThisMachine) {
  FakeRegistry registry;
  const auto of = [&](const std::string& text) {
    return registry.Manifest(
        Json::array({registry.Layer(text, kTar, {{"org.opencontainers.image.title", "m"}})}),
        kArtifact);
  };
  const auto platform = [](const char* os, const char* cpu) {
    return Json{{"os", os}, {"architecture", cpu}};
  };
  const std::string index =
      Json{{"manifests",
            Json::array({{{"digest", of("windows")}, {"platform", platform("windows", "amd64")}},
                         {{"digest", of("amd64")}, {"platform", platform("linux", "amd64")}},
                         {{"digest", of("arm64")}, {"platform", platform("linux", "arm64")}}})}}
          .dump();
  EXPECT_EQ(Fetch(registry, registry.Put(index)), "");
#if defined(__aarch64__)
  EXPECT_EQ(Read("m"), "arm64");
#else
  EXPECT_EQ(Read("m"), "amd64");
#endif
}

TEST_F(ModelImageTest, IsAskedForWithTheLoginThatTheRegistryWants) {
  for (const Wants wants : {Wants::kToken, Wants::kBasic}) {
    FakeRegistry registry(wants);
    const auto digest = registry.Manifest(Json::array({registry.Layer(Tar(""), kTar)}), kImage);
    EXPECT_EQ(Fetch(registry, digest, true), "");
    EXPECT_THAT(Fetch(registry, digest), HasSubstr("it wants a login, and none is known for it"));
    EXPECT_EQ(kind_, ErrorKind::kForbidden);
  }
}

TEST_F(ModelImageTest, GoesOnWhereATransferBroke) {
  FakeRegistry registry(Wants::kToken);
  const auto digest = registry.Manifest(Json::array({registry.Layer(Tar(""), kTar)}), kImage);
  registry.Cut(3);
  EXPECT_EQ(Fetch(registry, digest, true), "");
  EXPECT_EQ(Read("1/weights").size(), 300'000U);
  int ranges = 0;
  for (const auto& r : registry.requests())
    ranges += r.find("Range: bytes=") != std::string::npos ? 1 : 0;
  EXPECT_EQ(ranges, 3);
}

TEST_F(ModelImageTest, IsRefusedWhereABlobOrTheManifestIsNotItsDigests) {
  FakeRegistry registry;
  const Json layer = registry.Layer(Tar(""), kTar);
  const auto digest = registry.Manifest(Json::array({layer}), kImage);
  registry.Damage(layer["digest"]);
  EXPECT_THAT(Fetch(registry, digest), HasSubstr("gives other bytes than those of sha256:"));
  EXPECT_EQ(kind_, ErrorKind::kDamaged);
  registry.Damage(digest);
  EXPECT_THAT(Fetch(registry, digest), HasSubstr("is not what its digest names"));
}

TEST_F(ModelImageTest, IsHeldToItsBoundsAndItsFolder) {
  FakeRegistry registry;
  const auto titled = [&](const std::string& title) {
    return registry.Manifest(
        Json::array({registry.Layer("12345", kTar, {{"org.opencontainers.image.title", title}})}),
        kArtifact);
  };
  for (const char* title : {"../x", "/etc/x", "a/../../x", "."})
    EXPECT_THAT(Fetch(registry, titled(title)), HasSubstr("leads out of the folder")) << title;
  limits_.bytes = 4;
  EXPECT_THAT(Fetch(registry, titled("m")), HasSubstr("more than 4 bytes"));
  EXPECT_EQ(kind_, ErrorKind::kTooLarge);
}

TEST_F(ModelImageTest, SaysWhatOfAManifestIsNoModel) {
  FakeRegistry registry;
  const auto of = [&](const Json& layers) {
    return Fetch(registry, registry.Manifest(layers, kArtifact));
  };
  EXPECT_THAT(of(Json::array()), HasSubstr("has no layers"));
  EXPECT_THAT(of(Json::array({"x"})), HasSubstr("has a layer that is none"));
  EXPECT_THAT(of(Json::array({{{"digest", "md5:1"}, {"size", 1}}})),
              HasSubstr("without a sha256 digest or a size"));
  EXPECT_THAT(of(Json::array({registry.Layer("x", "application/x-thing")})),
              HasSubstr("of type 'application/x-thing' without a title"));
  EXPECT_THAT(Fetch(registry, "sha256:" + std::string(64, '0')), HasSubstr("it has no such image"));
}

}  // namespace
}  // namespace penstock::oci
