// An object in parts: it appears, whole, when it is completed, and never before.
#include <utility>

#include "operator/base/try.h"
#include "operator/s3/client.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

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

}  // namespace penstock::s3
