#include "operator/s3/testing/fake_s3.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <utility>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"
#include "operator/net/sigv4.h"
#include "operator/s3/crc32c.h"
#include "operator/s3/testing/fake_signature.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

const SystemClock kClock;
constexpr const char* kBucket = "models";

std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

std::map<std::string, std::string> ParseQuery(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t mark = std::min(one.find('='), one.size());
    out[Decode(one.substr(0, mark))] = Decode(one.substr(std::min(one.size(), mark + 1)));
  }
  return out;
}

std::string Digest(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return EncodeBase64(out);
}

void Refuse(net::Exchange& x, int status, const std::string& code) {
  x.Respond(status, "application/xml",
            "<Error><Code>" + code + "</Code><Message>told by the fake</Message></Error>",
            {{"x-amz-request-id", "FAKE-1"}});
}

std::string TagOf(const std::string& bytes) { return "\"" + Sha256Hex(bytes).substr(0, 32) + "\""; }

std::string HttpDate(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[64];
  static_cast<void>(std::strftime(out, sizeof(out), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return out;
}

std::string Crc(const std::string& bytes) {
  Crc32c crc;
  crc.Update(bytes);
  return crc.Base64();
}

}  // namespace

FakeS3::FakeS3(Options options) : options_(options) {
  net::HttpServerOptions server;
  server.address = "127.0.0.1";
  auto started = net::HttpServer::Start(server, [this](net::Exchange& x) { Serve(x); });
  if (!started) throw std::runtime_error(started.error().message);
  server_ = *std::move(started);
}
FakeS3::~FakeS3() { server_->Stop(); }

BucketSettings FakeS3::settings() const {
  BucketSettings settings;
  settings.endpoint = "http://127.0.0.1:" + std::to_string(server_->port());
  settings.bucket = kBucket;
  settings.first_pause = std::chrono::milliseconds(1);
  return settings;
}

std::unique_ptr<Client> FakeS3::MakeClient() const {
  auto client = Client::Make(settings(), FixedKeys(keys()), kClock);
  if (!client) throw std::runtime_error(client.error().message);
  return *std::move(client);
}

void FakeS3::OnRequest(
    std::function<std::optional<FakeFault>(const std::string&, const std::string&)> fault) {
  const std::lock_guard lock(fault_mutex_);
  fault_ = std::move(fault);
}
void FakeS3::SetKeys(net::SigningKeys keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}
void FakeS3::SetList(const std::string& xml) {
  const std::lock_guard lock(mutex_);
  list_ = xml;
}

std::vector<std::string> FakeS3::Keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const auto& [key, object] : objects_) keys.push_back(key);
  return keys;
}
std::optional<std::string> FakeS3::Bytes(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::nullopt;
  return found->second.bytes;
}
void FakeS3::Age(std::chrono::seconds by) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, object] : objects_) object.modified -= by;
}

void FakeS3::SetBytes(const std::string& key, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  objects_[key] = {bytes, "", kClock.Now()};
}
std::size_t FakeS3::uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}
std::vector<std::string> FakeS3::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

bool FakeS3::Full(std::size_t more) const {
  std::uint64_t used = more;
  for (const auto& [key, object] : objects_) used += object.bytes.size();
  for (const auto& [id, upload] : uploads_)
    for (const auto& [number, part] : upload.parts) used += part.bytes.size();
  return used > options_.quota;
}

void FakeS3::Serve(net::Exchange& x) {
  const std::string prefix = std::string("/") + kBucket;
  const std::string path = Decode(x.path());
  if (path.rfind(prefix, 0) != 0) return Refuse(x, 404, "NoSuchBucket");
  const std::string key = path.size() > prefix.size() ? path.substr(prefix.size() + 1) : "";
  const Query query = ParseQuery(x.query());
  std::optional<FakeFault> fault;
  {
    const std::lock_guard lock(mutex_);
    std::string line = x.method() + " " + key;
    if (query.contains("partNumber")) line += "?partNumber=" + query.at("partNumber");
    if (query.contains("uploads")) line += "?uploads";
    if (query.contains("X-Amz-Signature")) line += " by link";
    log_.push_back(line);
  }
  {
    const std::lock_guard lock(fault_mutex_);
    if (fault_) fault = fault_(x.method(), key);
  }
  if (fault && !fault->after_body && !fault->cut_after)
    return Refuse(x, fault->status, fault->code);
  auto body = net::ReadWholeBody(x, 1UL << 30, [](std::size_t) { return Result<void>{}; });
  if (!body) return;
  if (fault && fault->after_body) return Refuse(x, fault->status, fault->code);
  const std::lock_guard lock(mutex_);
  if (fault && fault->cut_after) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) return Refuse(x, 404, "NoSuchKey");
    // As a connection that breaks looks from outside: the head promises more than there is.
    const std::string& bytes = found->second.bytes;
    const std::string range = x.Header("Range");
    const std::size_t from = range.empty() ? 0 : std::stoul(range.substr(6));
    char name[] = "/tmp/fake-s3-XXXXXX";
    const int fd = ::mkstemp(name);
    const std::string begun = bytes.substr(from, *fault->cut_after);
    if (fd < 0 || ::write(fd, begun.data(), begun.size()) < 0)
      return Refuse(x, 500, "InternalError");
    ::close(fd);
    net::Headers headers{{"ETag", TagOf(bytes)}};
    if (!range.empty())
      headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                std::to_string(bytes.size() - 1) + "/" +
                                                std::to_string(bytes.size()));
    x.RespondFile(range.empty() ? 200 : 206, name, 0, bytes.size() - from, headers);
    ::unlink(name);
    return;
  }
  const std::string wrong = SignatureTrouble(x, query, *body, keys_);
  if (!wrong.empty()) return Refuse(x, wrong == "XAmzContentSHA256Mismatch" ? 400 : 403, wrong);
  Do(x, key, query, *body);
}

void FakeS3::Do(net::Exchange& x, const std::string& key, const Query& query,
                const std::string& body) {
  if (query.contains("uploads") || query.contains("uploadId")) return DoUpload(x, key, query, body);
  if (key.empty()) return ListObjects(x, query);
  if (x.method() == "DELETE") {
    objects_.erase(key);
    return x.Respond(204, "application/xml", "");
  }
  if (x.method() != "PUT") return GetObject(x, key);
  const std::string source = x.Header("x-amz-copy-source");
  if (source.empty()) return PutObject(x, key, body);
  const auto from = objects_.find(Decode(source).substr(std::string(kBucket).size() + 2));
  if (from == objects_.end()) return Refuse(x, 404, "NoSuchKey");
  const Object copied = from->second;
  objects_[key] = copied;
  x.Respond(200, "application/xml", "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>");
}

void FakeS3::PutObject(net::Exchange& x, const std::string& key, std::string body) {
  if (options_.conditional && x.Header("If-None-Match") == "*" && objects_.contains(key))
    return Refuse(x, 412, "PreconditionFailed");
  const std::string sha256 = x.Header("x-amz-checksum-sha256");
  if (!options_.knows_headers &&
      !(sha256 + x.Header("x-amz-checksum-crc32c") + x.Header("If-None-Match")).empty())
    return Refuse(x, 501, "NotImplemented");
  if (options_.checks_sha256 && !sha256.empty() && sha256 != Digest(Sha256Hex(body)))
    return Refuse(x, 400, "BadDigest");
  if (Full(body.size())) return Refuse(x, 409, "QuotaExceeded");
  const std::string tag = TagOf(body);
  objects_[key] = {std::move(body), options_.keeps_crc32c ? x.Header("x-amz-checksum-crc32c") : "",
                   kClock.Now()};
  x.Respond(200, "application/xml", "", {{"ETag", tag}});
}

void FakeS3::GetObject(net::Exchange& x, const std::string& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Refuse(x, 404, "NoSuchKey");
  const Object& object = found->second;
  if (const std::string match = x.Header("If-Match");
      options_.conditional && !match.empty() && match != TagOf(object.bytes))
    return Refuse(x, 412, "PreconditionFailed");
  net::Headers headers{{"ETag", TagOf(object.bytes)}, {"Last-Modified", HttpDate(object.modified)}};
  if (!object.crc32c.empty()) headers.emplace_back("x-amz-checksum-crc32c", object.crc32c);
  const std::string range = x.Header("Range");
  if (range.empty()) return x.Respond(200, "binary/octet-stream", object.bytes, headers);
  const std::size_t dash = range.find('-');
  const std::size_t from = std::stoul(range.substr(6, dash - 6));
  if (from >= object.bytes.size()) return Refuse(x, 416, "InvalidRange");
  const std::string end = range.substr(dash + 1);
  const std::size_t last =
      end.empty() ? object.bytes.size() - 1 : std::min(std::stoul(end), object.bytes.size() - 1);
  headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                            std::to_string(last) + "/" +
                                            std::to_string(object.bytes.size()));
  x.Respond(206, "binary/octet-stream", object.bytes.substr(from, last - from + 1), headers);
}

void FakeS3::DoUpload(net::Exchange& x, const std::string& key, const Query& query,
                      const std::string& body) {
  if (query.contains("uploads") && x.method() == "POST") {
    const std::string id = "upload-" + std::to_string(next_upload_++);
    uploads_[id] = {key, kClock.Now(), {}};
    return x.Respond(200, "application/xml",
                     "<InitiateMultipartUploadResult><UploadId>" + id +
                         "</UploadId></InitiateMultipartUploadResult>");
  }
  if (query.contains("uploads")) {
    if (!list_.empty()) return x.Respond(200, "application/xml", list_);
    std::string text = "<ListMultipartUploadsResult>";
    for (const auto& [id, upload] : uploads_) {
      if (upload.key.rfind(query.at("prefix"), 0) != 0) continue;
      text += "<Upload><Key>" + XmlText(upload.key) + "</Key><UploadId>" + id +
              "</UploadId><Initiated>" + FormatTime(upload.begun) + "</Initiated></Upload>";
    }
    return x.Respond(200, "application/xml", text + "</ListMultipartUploadsResult>");
  }
  const std::string id = query.at("uploadId");
  const auto upload = uploads_.find(id);
  if (upload == uploads_.end() || upload->second.key != key) return Refuse(x, 404, "NoSuchUpload");
  if (x.method() == "DELETE") {
    uploads_.erase(upload);
    return x.Respond(204, "application/xml", "");
  }
  if (x.method() == "PUT") {
    const std::string crc = x.Header("x-amz-checksum-crc32c");
    if (options_.keeps_crc32c && !crc.empty() && crc != Crc(body))
      return Refuse(x, 400, "BadDigest");
    if (Full(body.size())) return Refuse(x, 409, "QuotaExceeded");
    upload->second.parts[std::stoi(query.at("partNumber"))] = {
        body, options_.keeps_crc32c ? crc : "", kClock.Now()};
    return x.Respond(200, "application/xml", "", {{"ETag", TagOf(body)}});
  }
  if (x.method() == "POST") return Finish(x, id, body);
  if (!list_.empty()) return x.Respond(200, "application/xml", list_);
  std::string text = "<ListPartsResult>";
  for (const auto& [number, part] : upload->second.parts)
    text += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><Size>" +
            std::to_string(part.bytes.size()) + "</Size><ETag>" + XmlText(TagOf(part.bytes)) +
            "</ETag><ChecksumCRC32C>" + part.crc32c + "</ChecksumCRC32C></Part>";
  x.Respond(200, "application/xml", text + "</ListPartsResult>");
}

void FakeS3::Finish(net::Exchange& x, const std::string& id, const std::string& body) {
  const Multipart& upload = uploads_.at(id);
  if (options_.conditional && x.Header("If-None-Match") == "*" && objects_.contains(upload.key))
    return Refuse(x, 412, "PreconditionFailed");
  const auto root = ParseXml(body);
  if (!root) return Refuse(x, 400, "MalformedXML");
  std::string whole;
  const auto named = root->All("Part");
  for (std::size_t i = 0; i < named.size(); ++i) {
    const auto part = upload.parts.find(std::stoi(named[i]->Text("PartNumber")));
    if (part == upload.parts.end() || TagOf(part->second.bytes) != named[i]->Text("ETag"))
      return Refuse(x, 400, "InvalidPart");
    if (i + 1 < named.size() && part->second.bytes.size() < kMinPart)
      return Refuse(x, 400, "EntityTooSmall");
    whole += part->second.bytes;
  }
  objects_[upload.key] = {whole, "", kClock.Now()};
  uploads_.erase(id);
  x.Respond(200, "application/xml", "<CompleteMultipartUploadResult/>");
}

void FakeS3::ListObjects(net::Exchange& x, const Query& query) {
  const auto get = [&](const char* name) {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  };
  if (!list_.empty()) return x.Respond(200, "application/xml", list_);
  const std::string prefix = get("prefix");
  const std::string delimiter = get("delimiter");
  const std::string token = get("continuation-token");
  const std::string after = token.empty() ? get("start-after") : token;
  const std::size_t most = std::stoul(get("max-keys"));
  std::set<std::string> prefixes;
  std::size_t count = 0;
  std::string last;
  std::string text = "<ListBucketResult>";
  bool more = false;
  for (const auto& [key, object] : objects_) {
    if (key <= after || key.rfind(prefix, 0) != 0) continue;
    // What a token's page told as one prefix is not told again.
    if (!token.empty() && !delimiter.empty() && token.ends_with(delimiter) &&
        key.rfind(token, 0) == 0)
      continue;
    const std::size_t cut = delimiter.empty() ? key.npos : key.find(delimiter, prefix.size());
    const std::string folder = cut == key.npos ? "" : key.substr(0, cut + 1);
    if (!folder.empty() && prefixes.contains(folder)) continue;
    if (count == most) {
      more = true;
      break;
    }
    ++count;
    last = folder.empty() ? key : folder;
    if (!folder.empty()) {
      prefixes.insert(folder);
      continue;
    }
    text += "<Contents><Key>" + XmlText(key) + "</Key><Size>" +
            std::to_string(object.bytes.size()) + "</Size><LastModified>" +
            FormatTime(object.modified) + "</LastModified><ETag>" + XmlText(TagOf(object.bytes)) +
            "</ETag></Contents>";
  }
  for (const auto& folder : prefixes)
    text += "<CommonPrefixes><Prefix>" + XmlText(folder) + "</Prefix></CommonPrefixes>";
  if (more)
    text += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + XmlText(last) +
            "</NextContinuationToken>";
  x.Respond(200, "application/xml", text + "</ListBucketResult>");
}

}  // namespace penstock::s3
