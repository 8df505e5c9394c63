// The real launcher as the init container of a model's server: from the web, a registry, a claim.
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "components/launcher/testing/model_fetch_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/base/sha256.h"
#include "operator/net/testing/fake_server.h"
#include "operator/oci/testing/fake_registry.h"
#include "operator/protocol/model_source.h"
#include "operator/signing/model_signature.h"
#include "operator/signing/signed_statement.h"
#include "operator/signing/testing/keys.h"

namespace penstock::launcher {
namespace {

namespace fs = std::filesystem;
using net::FakeConnection;
using net::FakeServer;

TEST_F(ModelFetchTest, AFileOfTheWebKeepsItsNameAndIsReadOnly) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "onnx");
  });
  ASSERT_EQ(Fetch({"--source", server.url() + "/a/model.onnx?signature=s3cret", "--digest",
                   DigestOf("onnx")}),
            0)
      << said_;
  EXPECT_EQ(Model("model.onnx"), "onnx");
  struct stat s {};
  ASSERT_EQ(::stat((dir_ / "model/content/model.onnx").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0444U);
  EXPECT_TRUE(Has(said_, "fetched " + server.url() + "/a/model.onnx?...")) << said_;
  EXPECT_FALSE(Has(said_, "s3cret")) << said_;
}

TEST_F(ModelFetchTest, AnArchiveIsUnpackedAndGoneOnWithWhereItBroke) {
  const std::string bytes = Archive();
  FakeServer server([&](FakeConnection& c) {
    const std::string request = c.ReadRequest();
    const std::size_t half = bytes.size() / 2;
    if (c.index() == 0)
      return c.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes.size()) +
                    "\r\n\r\n" + bytes.substr(0, half));
    if (!Has(request, "Range: bytes=" + std::to_string(half) + "-")) return;
    c.Send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(half) + "-" +
           std::to_string(bytes.size() - 1) + "/" + std::to_string(bytes.size()) +
           "\r\nContent-Length: " + std::to_string(bytes.size() - half) + "\r\n\r\n" +
           bytes.substr(half));
  });
  ASSERT_EQ(Fetch({"--source", server.url() + "/m.tar.gz", "--digest", DigestOf(bytes)}), 0)
      << said_;
  EXPECT_EQ(Model("model.yaml"), "name: m");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(ModelFetchTest, OtherBytesThanTheDigestsLeaveNothingAndSayBothDigests) {
  FakeServer server([](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, "changed");
  });
  EXPECT_NE(Fetch({"--source", server.url() + "/m.onnx", "--digest", DigestOf("onnx")}), 0);
  EXPECT_TRUE(Has(said_, "/m.onnx: its bytes have the digest " + DigestOf("changed") + ", not " +
                             DigestOf("onnx")))
      << said_;
  EXPECT_TRUE(fs::is_empty(dir_ / "model"));
}

TEST_F(ModelFetchTest, AModelOfARegistryIsFetchedWithTheLoginsOfSecrets) {
  oci::FakeRegistry registry(oci::FakeRegistry::Wants::kToken);
  const std::string digest = registry.Manifest(
      Json::array({registry.Layer("yaml", "application/vnd.oci.image.layer.v1.tar",
                                  {{"org.opencontainers.image.title", "model.yaml"}})}),
      "application/vnd.oci.empty.v1+json");
  const std::string name = registry.Name();
  fs::create_directories(dir_ / "auth");
  std::ofstream(dir_ / "auth/pull.json")
      << Json{{"auths", {{name.substr(0, name.find('/')), {{"auth", "dXNlcjpzZWNyZXQ="}}}}}};
  const std::vector<std::string> flags{"--source", "oci://" + name + ":1", "--digest", digest};
  EXPECT_NE(Fetch(flags), 0);
  EXPECT_TRUE(Has(said_, "it wants a login")) << said_;
  std::vector<std::string> with_login = flags;
  with_login.insert(with_login.end(), {"--registry-auth", dir_ / "auth"});
  ASSERT_EQ(Fetch(with_login), 0) << said_;
  EXPECT_EQ(Model("model.yaml"), "yaml");
}

TEST_F(ModelFetchTest, AModelInAClaimIsFetchedOnceAndFoundThereWhenItsSourceIsGone) {
  const std::string bytes = Archive();
  const std::string digest = DigestOf(bytes);
  const fs::path content = dir_ / "claim/penstock-models" / Sha256Hex(bytes) / "content/model.yaml";
  std::string url;
  {
    FakeServer server([&](FakeConnection& c) {
      c.ReadRequest();
      c.Answer(200, bytes);
    });
    url = server.url() + "/m.tgz";
    const std::vector<std::string> flags{"--source", url,       "--digest",
                                         digest,     "--claim", dir_ / "claim"};
    ASSERT_EQ(Fetch(flags), 0) << said_;
    EXPECT_EQ(Read(content), "name: m");
    ASSERT_EQ(Fetch(flags), 0) << said_;
    EXPECT_TRUE(Has(said_, "found " + digest + " in the claim")) << said_;
    EXPECT_EQ(server.connections(), 1);
  }
  ASSERT_EQ(Fetch({"--source", url, "--digest", digest, "--claim", dir_ / "claim"}), 0) << said_;
  // What is damaged is no model: it is fetched again, which here cannot be.
  fs::permissions(content, fs::perms::owner_all);
  std::ofstream(content) << "name: x";
  EXPECT_NE(Fetch({"--source", url, "--digest", digest, "--claim", dir_ / "claim"}), 0);
  EXPECT_TRUE(Has(said_, "is damaged; it is fetched again")) << said_;
}

TEST_F(ModelFetchTest, AnArtifactIsFoundInAClaimWithoutItsStore) {
  std::ofstream(dir_ / "weights") << "w";
  const auto artifact = store_.Put("team", dir_ / "weights");
  ASSERT_TRUE(artifact);
  const std::vector<std::string> flags{"--store-folder", dir_ / "store", "--namespace",
                                       "team",           "--digest",     artifact->digest,
                                       "--claim",        dir_ / "claim"};
  ASSERT_EQ(Fetch(flags), 0) << said_;
  ASSERT_TRUE(artifacts::RemoveTree(dir_ / "store"));
  ASSERT_EQ(Fetch(flags), 0) << said_;
  EXPECT_TRUE(Has(said_, "found " + artifact->digest)) << said_;
}

TEST_F(ModelFetchTest, SeveralPodsThatWantOneModelFetchItOnce) {
  std::atomic<int> fetched{0};
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    ++fetched;
    c.Answer(200, std::string(1 << 20, 'w'));
  });
  const std::string digest = DigestOf(std::string(1 << 20, 'w'));
  std::vector<std::unique_ptr<Process>> pods;
  for (int i = 0; i < 4; ++i)
    pods.push_back(std::make_unique<Process>(
        std::vector<std::string>{PENSTOCK_LAUNCHER, "fetch", "--source", server.url() + "/m.bin",
                                 "--digest", digest, "--claim", dir_ / "claim", "--to", "/unused"},
        env_, dir_ / ("said" + std::to_string(i))));
  for (auto& pod : pods) EXPECT_EQ(pod->Wait(), 0);
  EXPECT_EQ(fetched, 1);
}

TEST_F(ModelFetchTest, AClaimsOwnModelIsVerifiedWhereItStands) {
  fs::create_directories(dir_ / "model/content");
  std::ofstream(dir_ / "model/content/m.onnx") << "onnx";
  const auto artifact = store_.Put("team", dir_ / "model/content");
  ASSERT_TRUE(artifact);
  EXPECT_EQ(Fetch({"--verify", "--digest", artifact->digest}), 0) << said_;
  EXPECT_EQ(Model("m.onnx"), "onnx");
  std::ofstream(dir_ / "model/content/m.onnx") << "other";
  EXPECT_NE(Fetch({"--verify", "--digest", artifact->digest}), 0);
  EXPECT_TRUE(Has(said_, "the model in the claim has the digest sha256:")) << said_;
}

// spec.verify: nothing is served but what the key has signed.
class SignedModelTest : public ModelFetchTest {
 protected:
  void SetUp() override {
    ModelFetchTest::SetUp();
    env_.push_back(std::string(kModelKeyVariable) + "=" + pair_.public_pem);
    fs::create_directories(Source());
    std::ofstream(Source() / "model.yaml") << "name: m";
    std::ofstream(Source() / "weights") << "good";
  }
  [[nodiscard]] fs::path Source() const { return dir_ / "source"; }
  void Sign() {
    const auto text =
        signing::SignModel(Source(), signing::EcKey::ReadPrivate(pair_.private_pem).value());
    ASSERT_TRUE(text) << text.error().message;
    std::ofstream(Source() / signing::kSignatureFile) << *text;
  }
  // Of the store, as the flags name it.
  std::vector<std::string> Stored() {
    const auto artifact = store_.Put("team", Source());
    EXPECT_TRUE(artifact);
    return {"--store-folder",    dir_ / "store",  "--namespace", "team",
            "--folder",          "--signed",      "--digest",    artifact->digest,
            "--termination-log", dir_ / "message"};
  }
  std::string DigestOfSource() {
    const auto artifact = store_.Put("team", Source());
    EXPECT_TRUE(artifact);
    return artifact->digest;
  }

  // As tar and gzip have it.
  std::string ArchiveOfSource() {
    const std::string command =
        "tar -C " + Source().string() + " -czf " + (dir_ / "m.tgz").string() + " .";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return Read(dir_ / "m.tgz");
  }
  // Signs again, with that name in ignore_paths.
  void LeaveOut(const std::string& name) {
    const auto key = signing::EcKey::ReadPrivate(pair_.private_pem).value();
    auto statement = signing::ReadBundle(Read(Source() / signing::kSignatureFile), key).value();
    statement.ignored.push_back(name);
    std::ofstream(Source() / signing::kSignatureFile)
        << signing::WriteBundle(statement, key).value();
  }

  const signing::KeyPair pair_ = signing::MakeKeys("P-256");
};

TEST_F(SignedModelTest, AnArtifactIsThereOnlyWhereTheKeySignedIt) {
  EXPECT_EQ(Fetch(Stored()), kNotSignedExit);
  EXPECT_TRUE(Has(Read(dir_ / "message"), "there is no file model.sig")) << said_;
  EXPECT_TRUE(fs::is_empty(dir_ / "model"));
  Sign();
  ASSERT_EQ(Fetch(Stored()), 0) << said_;
  EXPECT_EQ(Model("weights"), "good");
  std::ofstream(Source() / "weights") << "evil";
  std::ofstream(Source() / "more.so") << "evil";
  EXPECT_EQ(Fetch(Stored()), kNotSignedExit);
  EXPECT_EQ(Read(dir_ / "message"),
            "the model is not signed by the key of spec.verify: more.so is not signed; weights is "
            "altered");
}

TEST_F(SignedModelTest, WhatIsNotTheModelsFaultIsNotSaidOfIt) {
  Sign();
  const std::vector<std::string> flags = Stored();
  const std::string key = std::exchange(env_.back(), std::string(kModelKeyVariable) + "=no key");
  EXPECT_EQ(Fetch(flags), 126);
  EXPECT_TRUE(Has(said_, "the key that the model is to be signed by: it holds no public key"))
      << said_;
  env_.pop_back();
  EXPECT_EQ(Fetch(flags), 126);
  EXPECT_TRUE(Has(said_, "PENSTOCK_MODEL_KEY holds no key")) << said_;
  env_.push_back(key);
  ASSERT_TRUE(artifacts::RemoveTree(dir_ / "store"));  // the store is away
  const int code = Fetch(flags);
  EXPECT_NE(code, 0);
  EXPECT_NE(code, kNotSignedExit);
}

TEST_F(SignedModelTest, AnArchiveOfTheWebBringsItsSignature) {
  Sign();
  std::string bytes = ArchiveOfSource();
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, bytes);
  });
  const std::string url = server.url() + "/m.tgz";
  ASSERT_EQ(Fetch({"--source", url, "--digest", DigestOf(bytes), "--signed"}), 0) << said_;
  EXPECT_EQ(Model("weights"), "good");
  bytes = Archive();  // without one
  EXPECT_EQ(Fetch({"--source", url, "--digest", DigestOf(bytes), "--signed"}), kNotSignedExit);
}

TEST_F(SignedModelTest, AFolderOfAClaimIsCopiedSoThatNobodyAltersWhatWasVerified) {
  Sign();
  const std::string digest = DigestOfSource();
  const std::vector<std::string> flags{"--from", Source(), "--digest", digest, "--signed"};
  ASSERT_EQ(Fetch(flags), 0) << said_;
  std::ofstream(Source() / "weights") << "evil";  // after it was verified
  EXPECT_EQ(Model("weights"), "good");
  // Other bytes than the digest's are what a claim may hold by mistake: no verdict on the model.
  EXPECT_EQ(Fetch(flags), 126);
  EXPECT_TRUE(Has(said_, "the model in the claim has the digest sha256:")) << said_;
  EXPECT_EQ(Fetch({"--from", Source(), "--digest", DigestOfSource(), "--signed"}), kNotSignedExit);
  EXPECT_TRUE(Has(said_, "weights is altered")) << said_;
}

TEST_F(SignedModelTest, WhatIsKeptInAClaimIsHeldToItsSignatureEachTime) {
  Sign();
  std::vector<std::string> flags = Stored();
  const std::string digest = flags[7];
  flags.insert(flags.end(), {"--claim", dir_ / "claim"});
  ASSERT_EQ(Fetch(flags), 0) << said_;
  EXPECT_EQ(Model("weights"), "good");
  // Of an archive's content no digest is known but the one noted beside it, which whoever writes
  // the claim can write: the signature finds it, and the source is asked.
  const std::string bytes = ArchiveOfSource();
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, bytes);
  });
  const std::vector<std::string> of_web{
      "--source", server.url() + "/m.tgz", "--digest", DigestOf(bytes),
      "--claim",  dir_ / "claim",          "--signed"};
  ASSERT_EQ(Fetch(of_web), 0) << said_;
  const fs::path kept = dir_ / "claim/penstock-models" / Sha256Hex(bytes);
  fs::permissions(kept / "content/weights", fs::perms::owner_all);
  std::ofstream(kept / "content/weights") << "evil";
  const auto forged = store_.Put("team", kept / "content");
  ASSERT_TRUE(forged);
  std::ofstream(kept / "content.json") << Json{{"digest", forged->digest}}.dump();
  ASSERT_EQ(Fetch(of_web), 0) << said_;
  EXPECT_TRUE(Has(said_, "weights is altered")) << said_;
  EXPECT_EQ(Model("weights"), "good");
}

TEST_F(SignedModelTest, BytesInAClaimEndNoRolloutOfWhatItsSourceHasSigned) {
  Sign();
  std::string bytes = ArchiveOfSource();
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, bytes);
  });
  const auto flags = [&] {
    return std::vector<std::string>{
        "--source", server.url() + "/m.tgz", "--digest", DigestOf(bytes),
        "--claim",  dir_ / "claim",          "--signed"};
  };
  // What its writers may put there: a folder with a link, a note that is none, no folder at all.
  const fs::path kept = dir_ / "claim/penstock-models" / Sha256Hex(bytes);
  fs::create_directories(kept / "content");
  std::ofstream(kept / "content.json") << R"({"digest": 7})";
  fs::create_symlink("/etc/hostname", kept / "content/weights");
  ASSERT_EQ(Fetch(flags()), 0) << said_;
  EXPECT_EQ(Model("weights"), "good");
  ASSERT_TRUE(artifacts::RemoveTree(kept));
  std::ofstream(kept) << "no folder";
  ASSERT_EQ(Fetch(flags()), 0) << said_;
  EXPECT_EQ(Model("weights"), "good");
  // What the source itself gives without a signature is what rejects it.
  fs::remove(Source() / signing::kSignatureFile);
  bytes = ArchiveOfSource();
  EXPECT_EQ(Fetch(flags()), kNotSignedExit);
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(SignedModelTest, FilesThatNobodySignedAreNotServed) {
  std::ofstream(Source() / ".gitattributes") << "x";  // the form leaves them out
  fs::create_directories(Source() / ".git/hooks");
  std::ofstream(Source() / ".git/hooks/run") << "x";
  Sign();
  // As a signer of another program does that leaves out more.
  LeaveOut("cache");
  fs::create_directories(Source() / "cache/inner");
  std::ofstream(Source() / "cache/inner/evil.so") << "x";
  const auto served = [&] {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "model/content"))
      names.insert(entry.path().lexically_relative(dir_ / "model/content").string());
    return names;
  };
  const std::set<std::string> all_signed{"model.sig", "model.yaml", "weights"};
  ASSERT_EQ(Fetch(Stored()), 0) << said_;
  EXPECT_EQ(served(), all_signed);
  fs::create_directories(Source() / "empty/inner");
  std::string bytes = ArchiveOfSource();
  FakeServer server([&](FakeConnection& c) {
    c.ReadRequest();
    c.Answer(200, bytes);
  });
  std::vector<std::string> of_web{"--source", server.url() + "/m.tgz", "--digest", DigestOf(bytes),
                                  "--signed"};
  ASSERT_EQ(Fetch(of_web), 0) << said_;
  EXPECT_EQ(served(), all_signed);
  of_web.insert(of_web.end(), {"--claim", dir_ / "claim"});
  ASSERT_EQ(Fetch(of_web), 0) << said_;
  EXPECT_EQ(served(), all_signed);
  ASSERT_EQ(Fetch({"--from", Source(), "--digest", DigestOfSource(), "--signed"}), 0) << said_;
  EXPECT_EQ(served(), all_signed);
}

}  // namespace
}  // namespace penstock::launcher
