// What a bucket holds: objects, uploads, their parts, page by page. A page that is not the last and
// leads to no other is an error: to take it for the last would leave the rest out without a word.
#include <utility>

#include "operator/s3/client.h"
#include "operator/s3/xml.h"

namespace penstock::s3 {
namespace {

constexpr int kMostUploads = 100'000;  // that a prefix is asked for

std::uint64_t NumberIn(const XmlElement& element, std::string_view child) {
  const std::string text = element.Text(child);
  const bool good = !text.empty() && text.size() <= 18 &&
                    text.find_first_not_of("0123456789") == std::string::npos;
  return good ? std::stoull(text) : 0;
}

TimePoint TimeIn(const XmlElement& element, std::string_view child) {
  const auto time = ParseTime(element.Text(child));
  return time ? *time : TimePoint{};
}

// A page that is not the last and says not where the next begins: the rest would be left out.
Error NoNext(const std::string& asked, const char* name) {
  return Internal(asked + ": the store says that there is more, and no " + name + " of it");
}

}  // namespace

Result<Page> Client::List(const ListOptions& options, std::stop_token stop) const {
  Ask ask{.method = "GET", .key = ""};
  ask.query = {
      {"list-type", "2"}, {"prefix", options.prefix}, {"max-keys", std::to_string(options.most)}};
  if (!options.delimiter.empty()) ask.query.emplace_back("delimiter", options.delimiter);
  if (!options.token.empty()) {
    ask.query.emplace_back("continuation-token", options.token);
  } else if (!options.after.empty()) {
    ask.query.emplace_back("start-after", options.after);
  }
  auto answer = Send(ask, std::move(stop));
  if (!answer) return answer.error();
  const auto root = ParseXml(answer->body);
  if (!root) return Wrap(Asked(ask), root.error());
  Page page;
  for (const XmlElement* entry : root->All("Contents"))
    page.objects.push_back({entry->Text("Key"), NumberIn(*entry, "Size"),
                            TimeIn(*entry, "LastModified"), entry->Text("ETag")});
  for (const XmlElement* entry : root->All("CommonPrefixes"))
    page.prefixes.push_back(entry->Text("Prefix"));
  if (root->Text("IsTruncated") != "true") return page;
  page.next = root->Text("NextContinuationToken");
  // To take the page for the last one would leave objects out without a word.
  if (page.next.empty() || page.next == options.token)
    return Internal(Asked(ask) + ": the store does not answer list-type=2: there is more, and " +
                    (page.next.empty() ? "no token" : "the token of this page") + " for it");
  return page;
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
      parts.push_back({static_cast<int>(NumberIn(*part, "PartNumber")), NumberIn(*part, "Size"),
                       part->Text("ETag"), part->Text("ChecksumCRC32C")});
    const std::string next = root->Text("NextPartNumberMarker");
    if (root->Text("IsTruncated") != "true" || parts.size() >= kMaxParts) return parts;
    if (next.empty() || next == marker) return NoNext(Asked(ask), "NextPartNumberMarker");
    marker = next;
  }
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
      uploads.push_back({one->Text("Key"), one->Text("UploadId"), TimeIn(*one, "Initiated")});
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
