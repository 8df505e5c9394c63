#include "operator/signing/model_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "operator/artifacts/tree.h"
#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/signing/signed_statement.h"
#include "operator/signing/testing/keys.h"

namespace penstock::signing {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ModelSignatureTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("signing-" + std::to_string(::getpid()));
    ASSERT_TRUE(artifacts::RemoveTree(dir_));
    Write("model.yaml", "name: m");
    Write("variables/weights.bin", "weights");
  }
  void TearDown() override { (void)artifacts::RemoveTree(dir_); }

  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((Model() / path).parent_path());
    std::ofstream(Model() / path) << text;
  }
  [[nodiscard]] fs::path Model() const { return dir_ / "flights"; }
  void Sign() {
    const auto text = SignModel(Model(), key_);
    ASSERT_TRUE(text) << text.error().message;
    Write(kSignatureFile, *text);
  }
  [[nodiscard]] std::vector<std::string> Check(const EcKey& key) const {
    auto findings = CheckModel(Model(), Model() / kSignatureFile, key);
    EXPECT_TRUE(findings) << findings.error().message;
    return findings ? *findings : std::vector<std::string>{"error"};
  }
  [[nodiscard]] std::vector<std::string> Check() const { return Check(public_); }
  [[nodiscard]] Json Bundle() const {
    return Json::parse(ReadFile(Model() / kSignatureFile).value());
  }
  // Signs any payload as if it were a model's.
  void SignPayload(const std::string& payload) const {
    const std::string type = "application/vnd.in-toto+json";
    const std::string over = "DSSEv1 " + std::to_string(type.size()) + " " + type + " " +
                             std::to_string(payload.size()) + " " + payload;
    Json bundle = Bundle();
    bundle["dsseEnvelope"]["payload"] = EncodeBase64(payload);
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = EncodeBase64(key_.Sign(over).value());
    Write(kSignatureFile, bundle.dump());
  }
  [[nodiscard]] Json Payload() const {
    return Json::parse(*DecodeBase64(Bundle()["dsseEnvelope"]["payload"].get<std::string>()));
  }

  fs::path dir_;
  const KeyPair pair_ = MakeKeys("P-256");
  const EcKey key_ = EcKey::ReadPrivate(pair_.private_pem).value();
  const EcKey public_ = EcKey::ReadPublic(pair_.public_pem).value();
  const EcKey other_ = EcKey::ReadPublic(MakeKeys("P-256").public_pem).value();
};

TEST_F(ModelSignatureTest, ASignedFolderIsAsItWasSigned) {
  Sign();
  EXPECT_THAT(Check(), IsEmpty());
  const Json statement = Payload();
  EXPECT_EQ(statement["subject"][0]["name"], "flights");
  EXPECT_EQ(statement["predicateType"], "https://model_signing/signature/v1.0");
  ASSERT_EQ(statement["predicate"]["resources"].size(), 2U);
  EXPECT_EQ(statement["predicate"]["resources"][1]["name"], "variables/weights.bin");
  EXPECT_EQ(Bundle()["verificationMaterial"]["publicKey"]["hint"], public_.hint());
  Sign();  // once more: the signature is not part of what it signs
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(ModelSignatureTest, EachFileThatIsAlteredAddedOrAbsentIsNamed) {
  Sign();
  Write("variables/weights.bin", "Weights");
  Write("more/evil.so", "x");
  fs::remove(Model() / "model.yaml");
  EXPECT_THAT(Check(), ElementsAre("more/evil.so is not signed", "variables/weights.bin is altered",
                                   "model.yaml is absent"));
  EXPECT_EQ(Told(Check()),
            "more/evil.so is not signed; variables/weights.bin is altered; model.yaml is absent");
  for (int i = 0; i < 30; ++i) Write("z" + std::to_string(i), "x");
  EXPECT_THAT(Told(Check()), HasSubstr("; and 23 more"));
}

TEST_F(ModelSignatureTest, AnotherKeyIsToldFromADamagedSignature) {
  Sign();
  EXPECT_THAT(Told(Check(other_)), HasSubstr("model.sig: it was signed by another key"));
  Json bundle = Bundle();
  bundle["verificationMaterial"]["publicKey"]["hint"] = other_.hint();  // who says that it is
  Write(kSignatureFile, bundle.dump());
  EXPECT_THAT(Told(Check(other_)), HasSubstr("its signature does not fit"));

  Json altered = Payload();
  altered["predicate"]["resources"].erase(0);
  Json forged = Bundle();
  forged["dsseEnvelope"]["payload"] = EncodeBase64(altered.dump());
  forged["verificationMaterial"]["publicKey"]["hint"] = public_.hint();
  Write(kSignatureFile, forged.dump());
  EXPECT_THAT(Told(Check()), HasSubstr("damaged or altered after it was made"));
  Write(kSignatureFile, "{\"mediaType\": ");
  EXPECT_THAT(Told(Check()), HasSubstr("model.sig: it is not JSON: "));
  Write(kSignatureFile, "[]");
  EXPECT_THAT(Told(Check()), HasSubstr("it is no sigstore bundle"));
  Write(kSignatureFile, std::string(9U << 20, ' '));
  EXPECT_THAT(Told(Check()), HasSubstr("above 8 MiB"));
}

TEST_F(ModelSignatureTest, AModelWithoutASignatureIsNotSigned) {
  EXPECT_THAT(Told(Check()), HasSubstr("there is no file model.sig"));
  const auto of_a_file = CheckModel(Model() / "model.yaml", Model() / "x.sig", public_);
  ASSERT_TRUE(of_a_file);
  EXPECT_THAT(Told(*of_a_file), HasSubstr("is a single file"));
  EXPECT_FALSE(SignModel(dir_ / "none", key_));
  fs::create_directories(dir_ / "empty/inner");
  EXPECT_THAT(SignModel(dir_ / "empty", key_).error().message, HasSubstr("holds no file to sign"));
}

TEST_F(ModelSignatureTest, WhatGitLeavesAtTheTopIsNotSignedAndNotMissed) {
  Sign();
  Write(".gitattributes", "x");
  Write(".git/objects/ab", "x");
  EXPECT_THAT(Check(), IsEmpty());
  Write("variables/.gitattributes", "x");
  Write(".gitx", "x");
  EXPECT_THAT(Check(),
              ElementsAre(".gitx is not signed", "variables/.gitattributes is not signed"));
}

TEST_F(ModelSignatureTest, WhatTheSignerLeftOutIsLeftOutAndNoMore) {
  Sign();
  Write("cache/a", "x");
  Json statement = Payload();
  statement["predicate"]["serialization"]["ignore_paths"] = {"cache", ".", "../..", "/", "", 7};
  SignPayload(statement.dump());
  EXPECT_THAT(Check(), IsEmpty());
  Write("cached", "x");
  EXPECT_THAT(Check(), ElementsAre("cached is not signed"));
}

TEST_F(ModelSignatureTest, FilesThatNobodySignedAreToldApartAndRemoved) {
  Sign();
  Json statement = Payload();
  statement["predicate"]["serialization"]["ignore_paths"] = {"cache"};
  SignPayload(statement.dump());
  Write(".git/hooks/run", "x");
  Write(".gitattributes", "x");
  Write("cache/deep/a.so", "x");
  fs::create_directories(Model() / "cache/empty/inner");
  std::vector<std::string> left_out;
  const auto findings = CheckModel(Model(), Model() / kSignatureFile, public_, &left_out);
  ASSERT_TRUE(findings);
  EXPECT_THAT(*findings, IsEmpty());
  EXPECT_THAT(left_out, ElementsAre(".git/hooks/run", ".gitattributes", "cache/deep/a.so"));
  ASSERT_TRUE(artifacts::MakeReadOnly(Model()));
  ASSERT_TRUE(RemoveLeftOut(Model(), left_out));
  std::vector<std::string> there;
  for (const auto& entry : fs::recursive_directory_iterator(Model()))
    there.push_back(entry.path().lexically_relative(Model()).string());
  EXPECT_THAT(there, testing::UnorderedElementsAre("model.sig", "model.yaml", "variables",
                                                   "variables/weights.bin"));
  EXPECT_EQ(fs::status(Model() / "variables").permissions() & fs::perms::owner_write,
            fs::perms::none);
  EXPECT_THAT(Check(), IsEmpty());
}

TEST_F(ModelSignatureTest, FormsThatAreNotReadAreRefusedByName) {
  Sign();
  const Json good = Payload();
  const auto told_of = [&](const std::string& patch) {
    Json statement = good;
    statement.merge_patch(Json::parse(patch));
    SignPayload(statement.dump());
    return Told(Check());
  };
  EXPECT_THAT(told_of(R"({"predicate": {"serialization": {"method": "shards"}}})"),
              HasSubstr("in shards"));
  EXPECT_THAT(told_of(R"({"predicate": {"serialization": {"hash_type": "blake3"}}})"),
              HasSubstr("another way than sha256"));
  EXPECT_THAT(told_of(R"({"predicateType": "https://model_signing/Digests/v0.1"})"),
              HasSubstr("it states something else"));
  EXPECT_THAT(told_of(R"({"predicate": {"resources": []}})"), HasSubstr("it names no file"));
  const std::string of_nothing =
      "\", \"algorithm\": \"sha256\", \"digest\": \"" + std::string(64, 'a') + "\"}";
  EXPECT_THAT(told_of("{\"predicate\": {\"resources\": [{\"name\": \"../x" + of_nothing + "]}}"),
              HasSubstr("not in the model: ../x"));
  EXPECT_THAT(told_of("{\"predicate\": {\"resources\": [{\"name\": \"x" + of_nothing +
                      ", {\"name\": \"x" + of_nothing + "]}}"),
              HasSubstr("twice: x"));
  EXPECT_THAT(told_of("[1]"), HasSubstr("model.sig: "));
}

TEST_F(ModelSignatureTest, ALinkIsNoFileOfAModel) {
  fs::create_symlink("/etc/hostname", Model() / "link");
  const auto text = SignModel(Model(), key_);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("is a symbolic link"));
}

TEST(EcKeyTest, KeysThatDoNotDoAreRefusedWithTheWayOn) {
  const KeyPair pair = MakeKeys("P-256");
  const auto said = [](const Result<EcKey>& key) { return key ? "" : key.error().message; };
  EXPECT_THAT(said(EcKey::ReadPublic("x")), HasSubstr("no public key in PEM"));
  EXPECT_THAT(said(EcKey::ReadPublic(pair.private_pem)), HasSubstr("-pubout"));
  EXPECT_THAT(said(EcKey::ReadPrivate(pair.public_pem)), HasSubstr("no private key in PEM"));
  EXPECT_THAT(said(EcKey::ReadPrivate(pair.encrypted_pem)), HasSubstr("is encrypted"));
  EXPECT_THAT(said(EcKey::ReadPublic(MakeKeys("").public_pem)), HasSubstr("of another kind"));
}

TEST(EcKeyTest, SignsWithTheHashOfItsCurve) {
  const auto key = EcKey::ReadPrivate(MakeKeys("P-384").private_pem);
  ASSERT_TRUE(key) << key.error().message;
  const auto open = EcKey::ReadPublic(key->public_pem());
  ASSERT_TRUE(open);
  const std::string signature = key->Sign("bytes").value();
  EXPECT_TRUE(open->Verifies("bytes", signature));
  EXPECT_FALSE(open->Verifies("Bytes", signature));
  EXPECT_FALSE(open->Verifies("bytes", signature.substr(1)));
  EXPECT_FALSE(open->Verifies("bytes", ""));
}

}  // namespace
}  // namespace penstock::signing
