#include "operator/azure/blobs.h"

#include <ctime>

#include "operator/azure/shared_key.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/fetch/body.h"
#include "operator/fetch/resume.h"
#include "operator/net/proxy.h"
#include "operator/s3/xml.h"

namespace penstock::azure {
namespace {

constexpr const char* kVersion = "2021-08-06";
constexpr std::uint64_t kMaxCaBytes = 16ULL << 20;
constexpr std::chrono::seconds kAnswerTime{120};

std::string HttpDateOfNow() {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(SystemClock().Now());
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[64];
  static_cast<void>(std::strftime(out, sizeof out, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return out;
}

std::string QueryOf(const net::QueryParameters& query) { return net::CanonicalQuery(query); }

// A header's ETag stands in quotes, a list's does not.
std::string Quoted(const std::string& etag) {
  return etag.empty() || etag.starts_with('"') ? etag : '"' + etag + '"';
}

Error Changed(const std::string& name) {
  return Transient(name + ": the object changed while it was read");
}

// A folder of a hierarchical namespace is listed as if it were a blob.
bool IsFolder(const s3::XmlElement& blob) {
  const s3::XmlElement* properties = blob.Child("Properties");
  if (properties != nullptr && properties->Text("ResourceType") == "directory") return true;
  const s3::XmlElement* metadata = blob.Child("Metadata");
  return metadata != nullptr &&
         (metadata->Text("hdi_isfolder") == "true" || metadata->Text("Hdi_isfolder") == "true");
}

}  // namespace

Blobs::Blobs(Account account, std::string container, const fetch::SourceSettings& settings,
             net::Url url, std::unique_ptr<net::HttpClient> http)
    : account_(std::move(account)),
      container_(std::move(container)),
      settings_(settings),
      url_(std::move(url)),
      http_(std::move(http)) {}

Result<std::unique_ptr<Blobs>> Blobs::Make(Account account, std::string container,
                                           const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(auto url, net::ParseUrl(account.endpoint));
  net::HttpClientOptions options;
  options.tls.ca_pem = settings.ca_pem;
  if (const auto path = VariableOf(settings, {"AZURE_CA_BUNDLE"}); !path.empty()) {
    auto pem = ReadFile(path, kMaxCaBytes);
    if (!pem) return Invalid("AZURE_CA_BUNDLE: " + pem.error().message);
    options.tls.ca_pem = *std::move(pem);
  }
  PENSTOCK_ASSIGN(options.proxy, net::ProxyFromEnvironment(url, settings.environment));
  auto http = net::HttpClient::Make(url.Base(), options);
  if (!http) return Wrap("endpoint of Azure", http.error());
  return std::unique_ptr<Blobs>(new Blobs(std::move(account), std::move(container), settings,
                                          std::move(url), *std::move(http)));
}

std::string Blobs::Name(const std::string& key) const { return "az://" + container_ + "/" + key; }

net::HttpRequest Blobs::Ask(const std::string& key, const net::QueryParameters& query,
                            net::Headers headers) const {
  net::HttpRequest request;
  // Of an emulator the account stands in the path.
  const std::string path = (url_.target == "/" ? "" : url_.target) +
                           net::EncodePath("/" + container_ + (key.empty() ? "" : "/" + key));
  headers.emplace_back("x-ms-version", kVersion);
  headers.emplace_back("x-ms-date", HttpDateOfNow());
  if (!account_.key.empty()) {
    const std::string word =
        SharedKey({"GET", url_.authority, path, query, headers}, account_.name, account_.key);
    headers.emplace_back("Authorization", word);
  }
  std::string text = QueryOf(query);
  if (!account_.sas.empty()) text += (text.empty() ? "" : "&") + account_.sas;
  request.target = text.empty() ? path : path + "?" + text;
  request.headers = std::move(headers);
  return request;
}

Error Blobs::Refused(const std::string& asked, const net::HttpResponse& answer) const {
  std::string code(answer.Header("x-ms-error-code"));
  std::string message;
  if (const auto root = s3::ParseXml(answer.body); root && root->name == "Error") {
    if (code.empty()) code = root->Text("Code");
    message = root->Text("Message").substr(0, 200);
  }
  Error error;
  error.kind = net::KindOf(answer.status);
  if (code == "ContainerNotFound" || code == "InvalidResourceName")
    error.kind = ErrorKind::kInvalid;
  if (code == "PublicAccessNotPermitted" || code == "NoAuthenticationInformation")
    error.kind = ErrorKind::kForbidden;
  if (code == "ServerBusy" || code == "OperationTimedOut") error.kind = ErrorKind::kOverloaded;
  error.message = "GET " + asked + ": Azure answered " + std::to_string(answer.status);
  if (!code.empty()) error.message += " " + plan::Shown(code, 100);
  if (!message.empty()) error.message += " (" + plan::Shown(message, 200) + ")";
  // A container that only its owner sees is not there for anybody else.
  const bool hidden = account_.anonymous() && (error.kind == ErrorKind::kForbidden ||
                                               answer.status == 404 || answer.status == 409);
  if (hidden) {
    error.message +=
        "; it was asked as anybody: the step's env has neither AZURE_STORAGE_KEY nor "
        "AZURE_STORAGE_SAS_TOKEN (nor AZURE_STORAGE_CONNECTION_STRING), which a Secret may give";
  } else if (error.kind == ErrorKind::kForbidden) {
    error.message += account_.key.empty()
                         ? "; mend AZURE_STORAGE_SAS_TOKEN in its Secret: it needs the rights read "
                           "and list on blobs and containers, and ends when it says"
                         : "; mend AZURE_STORAGE_KEY in its Secret, or this machine's clock";
  }
  return error;
}

Result<fetch::SourceObject> Blobs::Get(const std::string& key, const std::string& etag,
                                       const fetch::Sink& sink, std::stop_token /*stop*/) {
  fetch::SourceObject seen{key, 0, etag, ""};
  bool known = false;
  const auto once = [&](std::uint64_t offset, const fetch::Sink& take) -> Result<void> {
    if (known && offset > 0 && offset == seen.size) return {};  // cut exactly at the end
    net::Headers headers;
    if (offset > 0) headers.emplace_back("Range", "bytes=" + std::to_string(offset) + "-");
    if (!seen.etag.empty()) headers.emplace_back("If-Match", seen.etag);
    const auto on_head = [&](const net::HttpResponse& head) -> Result<void> {
      std::uint64_t first = 0, whole = 0;
      const std::string tag(head.Header("etag"));
      if (!seen.etag.empty() && tag != seen.etag) return Changed(Name(key));
      const bool part = fetch::ReadContentRange(head.Header("content-range"), first, whole);
      if (offset > 0 && (head.status != 206 || !part || first != offset))
        return Internal(Name(key) + ": the store answered another range than was asked for");
      if (offset == 0 && !fetch::ReadNumber(head.Header("content-length"), whole))
        return Internal(Name(key) + ": the store tells no length");
      // Without it two blobs could not be told apart after a break.
      if (tag.empty()) return Internal(Name(key) + ": the store tells no ETag");
      seen.etag = tag;
      seen.size = whole;
      seen.version = head.Header("x-ms-version-id");
      known = true;
      return {};
    };
    std::uint64_t got = offset;
    PENSTOCK_ASSIGN(const auto answer,
                    fetch::GetBody(*http_, Ask(key, {}, std::move(headers)), settings_, on_head,
                                   [&](std::string_view bytes) {
                                     got += bytes.size();
                                     return take(bytes);
                                   }));
    if (answer.status == 412) return Changed(Name(key));
    if (!answer.Good()) return Refused(Name(key), answer);
    if (got != seen.size) {
      return Transient(Name(key) + ": " + std::to_string(got) + " of " + std::to_string(seen.size) +
                       " bytes came");
    }
    return {};
  };
  PENSTOCK_TRY(fetch::Resume(settings_, sink, once));
  return seen;
}

Result<fetch::SourceStore::Page> Blobs::List(const std::string& prefix, const std::string& token,
                                             int most, std::stop_token stop) {
  net::QueryParameters query{{"restype", "container"},
                             {"comp", "list"},
                             {"include", "metadata"},
                             {"maxresults", std::to_string(most)}};
  if (!prefix.empty()) query.emplace_back("prefix", prefix);
  if (!token.empty()) query.emplace_back("marker", token);
  Page page;
  const auto once = [&]() -> Result<void> {
    net::HttpRequest request = Ask("", query, {});
    request.repeatable = true;
    request.max_body = s3::kMaxXmlBytes;
    net::Limits limits;
    limits.deadline = std::chrono::steady_clock::now() + kAnswerTime;
    limits.stop = stop;
    auto answer = http_->Send(request, limits);
    if (!answer) return Wrap("listing " + Name(prefix), answer.error());
    if (!answer->Good()) return Refused(Name(prefix), *answer);
    const auto root = s3::ParseXml(answer->body);
    if (!root || root->name != "EnumerationResults")
      return Internal("listing " + Name(prefix) + ": the answer is no list of blobs");
    page = {};
    page.next = root->Text("NextMarker");
    const s3::XmlElement* blobs = root->Child("Blobs");
    if (blobs == nullptr) return {};
    for (const s3::XmlElement* blob : blobs->All("Blob")) {
      if (IsFolder(*blob)) continue;
      const s3::XmlElement* properties = blob->Child("Properties");
      fetch::SourceObject object{blob->Text("Name"), 0, "", ""};
      if (properties == nullptr ||
          !fetch::ReadNumber(properties->Text("Content-Length"), object.size)) {
        return Internal("listing " + Name(prefix) + ": a blob without a length");
      }
      object.etag = Quoted(properties->Text("Etag"));
      page.objects.push_back(std::move(object));
    }
    return {};
  };
  PENSTOCK_TRY(fetch::Again(settings_, once));
  return page;
}

}  // namespace penstock::azure
