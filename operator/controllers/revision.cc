#include "operator/controllers/revision.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <vector>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/run/run_plan.h"

namespace penstock::controllers {
namespace {

constexpr int kGzip = 15 + 16;                          // zlib: a window of 32 KiB, gzip framing
constexpr std::size_t kMaxResolvedBytes = 64ULL << 20;  // decompressed

std::string Compress(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> Decompress(const std::string& bytes) {
  z_stream stream{};
  inflateInit2(&stream, kGzip);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::vector<char> chunk(64 * 1024);
  int code = Z_OK;
  while (code == Z_OK && out.size() <= kMaxResolvedBytes) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    code = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END) return Internal("its data does not decompress");
  return out;
}

std::string Base64(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<std::string> FromBase64(const std::string& text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return Internal("its data is no base64");
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace

Result<Json> MakeRevision(const api::PipelineRun& run, const plan::ResolvedRun& resolved) {
  const std::string text = CanonicalJson(plan::EncodeResolved(resolved));
  const std::string hash = Sha256Hex(text);
  api::OwnerReference owner{api::kApiVersion, "PipelineRun", run.meta.name, run.meta.uid, true};
  Json revision = {
      {"apiVersion", "apps/v1"},
      {"kind", "ControllerRevision"},
      {"metadata",
       {{"name", run.meta.name + "-" + hash.substr(0, 10)},
        {"namespace", run.meta.namespace_},
        {"labels", {{plan::kLabelManaged, "true"}, {plan::kLabelRunUid, run.meta.uid}}},
        {"ownerReferences", Json::array({api::Encode(owner)})}}},
      {"revision", 1},
      {"data", {{"sha256", hash}, {"gzip", Base64(Compress(text))}}}};
  if (revision.dump().size() > kMaxObjectBytes) {
    return Invalid(
        "the resolved spec is over 256 KiB even compressed; split the Pipeline, or move "
        "large parameter values into an input");
  }
  return revision;
}

Result<plan::ResolvedRun> ReadRevision(const Json& revision) {
  const std::string name = api::DecodeMeta(revision).name;
  const auto data = revision.find("data");
  if (data == revision.end() || !data->is_object() || !data->contains("gzip") ||
      !data->at("gzip").is_string() || !data->contains("sha256") ||
      !data->at("sha256").is_string()) {
    return Internal("the ControllerRevision " + name + " was not made by this program");
  }
  const std::string what = "the ControllerRevision " + name;
  auto bytes = FromBase64(data->at("gzip").get<std::string>());
  if (!bytes) return Wrap(what, bytes.error());
  auto text = Decompress(*bytes);
  if (!text) return Wrap(what, text.error());
  if (Sha256Hex(*text) != data->at("sha256").get<std::string>()) {
    return Internal(what + " does not match its hash: it was edited or damaged");
  }
  auto json = ParseJson(*text, what);
  if (!json) return json.error();
  return plan::DecodeResolved(*json);
}

}  // namespace penstock::controllers
