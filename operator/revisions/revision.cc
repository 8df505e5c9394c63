#include "operator/revisions/revision.h"

#include "operator/api/codec.h"
#include "operator/archive/gzip.h"
#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::revisions {
namespace {

constexpr std::size_t kMaxResolvedBytes = 64ULL << 20;  // decompressed

}  // namespace

std::string RevisionText(const plan::ResolvedRun& resolved) {
  return CanonicalJson(plan::EncodeResolved(resolved));
}

std::string RevisionName(const std::string& text) {
  return kRevisionPrefix + Sha256Hex(text).substr(0, 32);
}

Result<Json> MakeRevision(const std::string& ns, const std::string& text) {
  Json revision = {
      {"apiVersion", "apps/v1"},
      {"kind", "ControllerRevision"},
      {"metadata",
       {{"name", RevisionName(text)},
        {"namespace", ns},
        {"labels", {{plan::kLabelManaged, "true"}}}}},
      {"revision", 1},
      {"data", {{"sha256", Sha256Hex(text)}, {"gzip", EncodeBase64(archive::Gzip(text))}}}};
  if (revision.dump().size() > kMaxObjectBytes) {
    return Invalid(
        "the resolved spec is over 256 KiB even compressed; split the Pipeline, or move "
        "large parameter values into an input");
  }
  return revision;
}

Result<std::string> UnpackRevision(const Json& revision) {
  const std::string name = api::DecodeMeta(revision).name;
  const auto data = revision.find("data");
  if (data == revision.end() || !data->is_object() || !data->contains("gzip") ||
      !data->at("gzip").is_string() || !data->contains("sha256") ||
      !data->at("sha256").is_string()) {
    return Internal("the ControllerRevision " + name + " was not made by this program");
  }
  const std::string what = "the ControllerRevision " + name;
  auto bytes = DecodeBase64(data->at("gzip").get<std::string>());
  if (!bytes) return Internal(what + ": its data is no base64");
  auto text = archive::Gunzip(*bytes, kMaxResolvedBytes);
  if (!text) return Internal(what + ": its data does not decompress: " + text.error().message);
  if (Sha256Hex(*text) != data->at("sha256").get<std::string>()) {
    return Internal(what + " does not match its hash: it was edited or damaged");
  }
  return text;
}

Result<plan::ResolvedRun> ReadRevision(const Json& revision) {
  const auto text = UnpackRevision(revision);
  if (!text) return text.error();
  auto json = ParseJson(*text, "the ControllerRevision " + api::DecodeMeta(revision).name);
  if (!json) return json.error();
  return plan::DecodeResolved(*json);
}

}  // namespace penstock::revisions
