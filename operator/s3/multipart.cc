// An object in parts: it appears, whole, when it is completed, and never before.
#include <utility>

#include "operator/base/try.h"
#include "operator/s3/client.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

constexpr int kMostUploads = 100'000;  // that a prefix is asked for

std::uint64_t NumberOf(const XmlElement& element, std::string_view child) {
  const std::string text = element.Text(child);
  const bool good = !text.empty() && text.size() <= 18 &&
                    text.find_first_not_of("0123456789") == std::string::npos;
  return good ? std::stoull(text) : 0;
}

std::string CompletionOf(const std::vector<Part>& parts) {
  std::string text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const Part& part : parts) {
    text += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>" +
            XmlText(part.etag) + "</ETag>";
    if (!part.crc32c.empty()) text += "<ChecksumCRC32C>" + part.crc32c + "</ChecksumCRC32C>";
    text += "</Part>";
  }
  return text + "</CompleteMultipartUpload>";
}

// A page that is not the last and says not where the next begins: the rest would be left out.
Error NoNext(const std::string& asked, const char* name) {
  return Internal(asked + ": the store says that there is more, and no " + name + " of it");
}

}  // namespace

Result<std::string> Client::BeginUpload(const std::string& key, bool with_crc32c,
                                        std::stop_token stop) const {
  Ask ask{.method = "POST", .key = key, .query = {{"uploads", ""}}};
  if (with_crc32c) ask.headers = {{"x-amz-checksum-algorithm", "CRC32C"}};
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  const auto root = ParseXml(answer->body);
  if (!root || root->Text("UploadId").empty())
    return Internal(Asked(ask) + ": the answer names no upload");
  return root->Text("UploadId");
}

Result<Part> Client::PutPart(const std::string& key, const std::string& upload, int number,
                             const Body& body, const std::string& crc32c,
                             std::stop_token stop) const {
  Ask ask{.method = "PUT",
          .key = key,
          .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}}};
  if (!crc32c.empty()) ask.headers = {{"x-amz-checksum-crc32c", crc32c}};
  ask.body = &body;
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  Part part{number, body.size, std::string(answer->Header("etag")), crc32c};
  if (part.etag.empty()) return Internal(Asked(ask) + ": the answer has no ETag");
  return part;
}

Result<std::vector<Part>> Client::Parts(const std::string& key, const std::string& upload,
                                        std::stop_token stop) const {
  std::vector<Part> parts;
  for (std::string marker;;) {
    Ask ask{.method = "GET", .key = key, .query = {{"uploadId", upload}}};
    if (!marker.empty()) ask.query.emplace_back("part-number-marker", marker);
    auto answer = Send(ask, stop);
    if (!answer) return answer.error();
    const auto root = ParseXml(answer->body);
    if (!root) return Wrap(Asked(ask), root.error());
    for (const XmlElement* part : root->All("Part"))
      parts.push_back({static_cast<int>(NumberOf(*part, "PartNumber")), NumberOf(*part, "Size"),
                       part->Text("ETag"), part->Text("ChecksumCRC32C")});
    const std::string next = root->Text("NextPartNumberMarker");
    if (root->Text("IsTruncated") != "true" || parts.size() >= kMaxParts) return parts;
    if (next.empty() || next == marker) return NoNext(Asked(ask), "NextPartNumberMarker");
    marker = next;
  }
}

Result<void> Client::Complete(const std::string& key, const std::string& upload,
                              const std::vector<Part>& parts, bool only_new,
                              std::stop_token stop) const {
  Ask ask{.method = "POST", .key = key, .query = {{"uploadId", upload}}};
  ask.headers = {{"Content-Type", "application/xml"}};
  if (only_new) ask.headers.emplace_back("If-None-Match", "*");
  ask.text = CompletionOf(parts);
  ask.may_fail_late = true;
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  return {};
}

Result<void> Client::Abort(const std::string& key, const std::string& upload,
                           std::stop_token stop) const {
  auto answer =
      Send({.method = "DELETE", .key = key, .query = {{"uploadId", upload}}}, std::move(stop));
  if (!answer && answer.error().kind != ErrorKind::kNotFound) return answer.error();
  return {};
}

Result<std::vector<Upload>> Client::Uploads(const std::string& prefix, std::stop_token stop) const {
  std::vector<Upload> uploads;
  for (std::string key, id;;) {
    Ask ask{.method = "GET", .key = "", .query = {{"uploads", ""}, {"prefix", prefix}}};
    if (!key.empty()) ask.query.emplace_back("key-marker", key);
    if (!id.empty()) ask.query.emplace_back("upload-id-marker", id);
    auto answer = Send(ask, stop);
    if (!answer) return answer.error();
    const auto root = ParseXml(answer->body);
    if (!root) return Wrap(Asked(ask), root.error());
    for (const XmlElement* one : root->All("Upload")) {
      const auto begun = ParseTime(one->Text("Initiated"));
      uploads.push_back({one->Text("Key"), one->Text("UploadId"), begun ? *begun : TimePoint{}});
    }
    const std::string next = root->Text("NextKeyMarker");
    const std::string next_id = root->Text("NextUploadIdMarker");
    if (root->Text("IsTruncated") != "true" || uploads.size() >= kMostUploads) return uploads;
    if (next.empty() || (next == key && next_id == id)) return NoNext(Asked(ask), "NextKeyMarker");
    key = next;
    id = next_id;
  }
}

}  // namespace penstock::s3
