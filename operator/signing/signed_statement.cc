#include "operator/signing/signed_statement.h"

#include <algorithm>
#include <optional>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::signing {
namespace {

constexpr const char* kBundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr const char* kBundleTypes = "application/vnd.dev.sigstore.bundle";  // of all versions
constexpr const char* kPayloadType = "application/vnd.in-toto+json";
constexpr const char* kStatementType = "https://in-toto.io/Statement/v1";
constexpr const char* kPredicateType = "https://model_signing/signature/v1.0";

Error NotSigned(std::string message) { return {ErrorKind::kUntrusted, std::move(message)}; }
Error NotRead(std::string message) { return {ErrorKind::kUnsupported, std::move(message)}; }

// What a DSSE signature is made over.
std::string SignedBytes(const std::string& payload) {
  return "DSSEv1 " + std::to_string(std::char_traits<char>::length(kPayloadType)) + " " +
         kPayloadType + " " + std::to_string(payload.size()) + " " + payload;
}

bool IsHex64(const std::string& text) { return IsDigest("sha256:" + text); }

// A path in the model and nowhere else.
bool IsInside(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') return false;
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

// The digest of all digests, in order: the statement's subject.
std::string RootDigest(const std::map<std::string, std::string>& files) {
  Sha256 hash;
  for (const auto& [path, hex] : files)
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      const auto byte = static_cast<unsigned char>(std::stoi(hex.substr(i, 2), nullptr, 16));
      hash.Update(&byte, 1);
    }
  return hash.HexDigest();
}

// Whose key the bundle says that it was signed by: 64 hexadecimal digits; empty: it does not.
std::string HintOf(const Json& bundle) {
  const Json& key = Member(Member(bundle, "verificationMaterial"), "publicKey");
  const std::string hint = TextAt(key, "hint");
  return IsHex64(hint) ? hint : "";
}

Result<std::string> PayloadOf(const Json& bundle, const EcKey& key) {
  const Json& envelope = Member(bundle, "dsseEnvelope");
  const Json& signatures = Member(envelope, "signatures");
  if (!TextAt(bundle, "mediaType").starts_with(kBundleTypes) || !envelope.is_object())
    return NotSigned("it is no sigstore bundle with a DSSE envelope");
  if (TextAt(envelope, "payloadType") != kPayloadType)
    return NotSigned("it signs something else than an in-toto statement");
  if (!signatures.is_array() || signatures.size() != 1)
    return NotSigned("it must hold exactly one signature");
  const auto payload = DecodeBase64(TextAt(envelope, "payload"));
  const auto signature = DecodeBase64(TextAt(signatures[0], "sig"));
  if (!payload || !signature) return NotSigned("it is damaged: payload or signature is no base64");
  if (key.Verifies(SignedBytes(*payload), *signature)) return *payload;
  const std::string hint = HintOf(bundle);
  if (!hint.empty() && hint != key.hint())
    return NotSigned("it was signed by another key: it names the key " + hint.substr(0, 12) +
                     ", and the key given is " + key.hint().substr(0, 12));
  return NotSigned(
      "its signature does not fit: it was damaged or altered after it was made, or "
      "another key made it");
}

Result<void> ReadIgnored(const Json& how, Statement& out) {
  const Json& list = Member(how, "ignore_paths");
  if (list.is_null()) return {};
  if (!list.is_array()) return NotSigned("its ignore_paths is no list");
  for (const Json& path : list) {
    // "." would leave all out; others are no paths in the model, and leave nothing out.
    if (path.is_string() && IsInside(path.get<std::string>()))
      out.ignored.push_back(path.get<std::string>());
  }
  return {};
}

Result<void> ReadFiles(const Json& resources, Statement& out) {
  if (!resources.is_array() || resources.empty()) return NotSigned("it names no file");
  for (const Json& resource : resources) {
    const std::string name = TextAt(resource, "name"), digest = TextAt(resource, "digest");
    if (TextAt(resource, "algorithm") != "sha256" || !IsHex64(digest))
      return NotRead("it has another hash than sha256 of " + plan::Shown(name, 200));
    if (!IsInside(name))
      return NotSigned("it names a file that is not in the model: " + plan::Shown(name, 200));
    if (!out.files.emplace(name, digest).second)
      return NotSigned("it names a file twice: " + plan::Shown(name, 200));
  }
  return {};
}

Result<Statement> ReadStatement(const std::string& payload) {
  const auto json = ParseJson(payload, "its statement");
  if (!json) return NotSigned(json.error().message);
  if (TextAt(*json, "_type") != kStatementType || TextAt(*json, "predicateType") != kPredicateType)
    return NotRead("it states something else than " + std::string(kPredicateType));
  const Json& predicate = Member(*json, "predicate");
  const Json& how = Member(predicate, "serialization");
  if (TextAt(how, "method") != "files")
    return NotRead("it signs the model in shards: sign it by whole files (method files)");
  if (TextAt(how, "hash_type") != "sha256")
    return NotRead("it hashes files by another way than sha256");
  Statement out;
  if (const Json& subjects = Member(*json, "subject"); subjects.is_array() && !subjects.empty())
    out.name = TextAt(subjects[0], "name");
  PENSTOCK_TRY(ReadIgnored(how, out));
  PENSTOCK_TRY(ReadFiles(Member(predicate, "resources"), out));
  return out;
}

}  // namespace

Result<std::string> WriteBundle(const Statement& statement, const EcKey& key) {
  Json resources = Json::array();
  for (const auto& [path, hex] : statement.files)
    resources.push_back({{"name", path}, {"algorithm", "sha256"}, {"digest", hex}});
  const Json subject{{"name", statement.name},
                     {"digest", {{"sha256", RootDigest(statement.files)}}}};
  const std::string payload = Json{
      {"_type", kStatementType},
      {"subject", Json::array({subject})},
      {"predicateType", kPredicateType},
      {"predicate",
       {{"serialization",
         {{"method", "files"},
          {"hash_type", "sha256"},
          {"allow_symlinks", false},
          {"ignore_paths", statement.ignored}}},
        {"resources",
         resources}}}}.dump();
  PENSTOCK_ASSIGN(const std::string signature, key.Sign(SignedBytes(payload)));
  return Json{{"mediaType", kBundleType},
              {"verificationMaterial",
               {{"publicKey", {{"hint", key.hint()}}}, {"tlogEntries", Json::array()}}},
              {"dsseEnvelope",
               {{"payload", EncodeBase64(payload)},
                {"payloadType", kPayloadType},
                {"signatures", Json::array({{{"sig", EncodeBase64(signature)}, {"keyid", ""}}})}}}}
             .dump() +
         "\n";
}

Result<Statement> ReadBundle(std::string_view text, const EcKey& key) {
  const auto bundle = ParseJson(text, "it");
  if (!bundle) return NotSigned(bundle.error().message);
  if (!bundle->is_object()) return NotSigned("it is no sigstore bundle");
  PENSTOCK_ASSIGN(const std::string payload, PayloadOf(*bundle, key));
  return ReadStatement(payload);
}

}  // namespace penstock::signing
