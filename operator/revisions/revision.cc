#include "operator/revisions/revision.h"

#include <zlib.h>

#include <vector>

#include "operator/api/codec.h"
#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::revisions {
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

}  // namespace

std::string RevisionText(const plan::ResolvedRun& resolved) {
  return CanonicalJson(plan::EncodeResolved(resolved));
}

std::string RevisionName(const std::string& text) {
  return kRevisionPrefix + Sha256Hex(text).substr(0, 32);
}

Result<Json> MakeRevision(const std::string& ns, const std::string& text) {
  Json revision = {{"apiVersion", "apps/v1"},
                   {"kind", "ControllerRevision"},
                   {"metadata",
                    {{"name", RevisionName(text)},
                     {"namespace", ns},
                     {"labels", {{plan::kLabelManaged, "true"}}}}},
                   {"revision", 1},
                   {"data", {{"sha256", Sha256Hex(text)}, {"gzip", EncodeBase64(Compress(text))}}}};
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
  auto bytes = DecodeBase64(data->at("gzip").get<std::string>());
  if (!bytes) return Internal(what + ": its data is no base64");
  auto text = Decompress(*bytes);
  if (!text) return Wrap(what, text.error());
  if (Sha256Hex(*text) != data->at("sha256").get<std::string>()) {
    return Internal(what + " does not match its hash: it was edited or damaged");
  }
  auto json = ParseJson(*text, what);
  if (!json) return json.error();
  return plan::DecodeResolved(*json);
}

}  // namespace penstock::revisions
