#include "operator/hdfs/webhdfs.h"

#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/fetch/body.h"
#include "operator/fetch/resume.h"
#include "operator/net/proxy.h"

namespace penstock::hdfs {
namespace {

constexpr std::size_t kMaxListBytes = 256UL << 20;
constexpr std::size_t kMostFiles = 100'001;  // whoever asks refuses more than 100,000
constexpr int kDeepest = 64;
constexpr std::chrono::seconds kAnswerTime{120};

net::Limits LimitsOf(const std::stop_token& stop) {
  net::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + kAnswerTime;
  limits.stop = stop;
  return limits;
}

// "" of what is no whole number.
std::string NumberAt(const Json& json, const char* key) {
  const Json& value = Member(json, key);
  return value.is_number_integer() ? value.dump() : "";
}

// What a file is, by the answers to GETFILESTATUS and LISTSTATUS alike.
Result<fetch::SourceObject> ObjectOf(const std::string& key, const Json& status) {
  fetch::SourceObject object{key, 0, "", ""};
  const std::string time = NumberAt(status, "modificationTime");
  if (!fetch::ReadNumber(NumberAt(status, "length"), object.size) || time.empty())
    return Internal("a file's status without length or time");
  object.etag =
      '"' + NumberAt(status, "fileId") + "-" + time + "-" + std::to_string(object.size) + '"';
  return object;
}

}  // namespace

WebHdfs::WebHdfs(WebHdfsSettings own, const fetch::SourceSettings& settings,
                 std::unique_ptr<net::HttpClient> http)
    : own_(std::move(own)), settings_(settings), http_(std::move(http)) {}

Result<std::unique_ptr<WebHdfs>> WebHdfs::Make(WebHdfsSettings own,
                                               const fetch::SourceSettings& settings) {
  std::unique_ptr<WebHdfs> out(new WebHdfs(own, settings, nullptr));
  PENSTOCK_ASSIGN(auto http, out->ClientOf(own.name_node));
  return std::unique_ptr<WebHdfs>(new WebHdfs(std::move(own), settings, std::move(http)));
}

Result<std::unique_ptr<net::HttpClient>> WebHdfs::ClientOf(const net::Url& url) const {
  net::HttpClientOptions options;
  options.tls.ca_pem = own_.ca_pem;
  PENSTOCK_ASSIGN(options.proxy, net::ProxyFromEnvironment(url, settings_.environment));
  return net::HttpClient::Make(url.Base(), options);
}

std::string WebHdfs::Name(const std::string& key) const {
  return (own_.name_node.tls ? "swebhdfs://" : "webhdfs://") + own_.name_node.authority + "/" + key;
}

std::string WebHdfs::Target(const std::string& key, const std::string& operation,
                            net::QueryParameters more) const {
  more.emplace_back("op", operation);
  if (!own_.token.empty())
    more.emplace_back("delegation", own_.token);
  else if (!own_.user.empty())
    more.emplace_back("user.name", own_.user);
  std::string path = "/webhdfs/v1/" + key;
  if (path.ends_with('/') && !key.empty()) path.pop_back();
  return net::EncodePath(path) + "?" + net::CanonicalQuery(more);
}

// A server may tell what it was asked.
std::string WebHdfs::WithoutToken(std::string text) const {
  if (own_.token.empty()) return text;
  for (const std::string& secret : {own_.token, net::UrlEncode(own_.token)})
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "...");
  return text;
}

Error WebHdfs::Refused(const std::string& asked, const net::HttpResponse& answer) const {
  const auto json = ParseJson(answer.body, "the answer");
  const Json& told = json ? Member(*json, "RemoteException") : Member(Json(), "");
  const std::string exception = TextAt(told, "exception");
  Error error;
  error.kind = net::KindOf(answer.status);
  error.message = "GET " + asked + ": HDFS answered " + std::to_string(answer.status);
  if (!exception.empty()) error.message += " " + plan::Shown(exception, 100);
  if (const auto message = TextAt(told, "message"); !message.empty())
    error.message += " (" + plan::Shown(WithoutToken(message), 300) + ")";
  if (exception == "FileNotFoundException") error.kind = ErrorKind::kNotFound;
  if (exception == "StandbyException" || exception == "RetriableException" ||
      exception == "SafeModeException")
    error.kind = ErrorKind::kTransient;
  if (answer.status == 401) {
    error.message +=
        own_.token.empty()
            ? "; a cluster with Kerberos takes WEBHDFS_DELEGATION_TOKEN of the step's env (hdfs "
              "fetchdt), which a Secret may give; SPNEGO is not spoken"
            : "; renew WEBHDFS_DELEGATION_TOKEN in its Secret";
  } else if (error.kind == ErrorKind::kForbidden && own_.token.empty()) {
    error.message += own_.user.empty()
                         ? "; HADOOP_USER_NAME of the step's env says whose rights count"
                         : "; it was asked as " + plan::Shown(own_.user, 60);
  }
  return error;
}

Result<Json> WebHdfs::Ask(const std::string& key, const std::string& operation,
                          const std::stop_token& stop) const {
  Json out;
  const std::string asked = Name(key) + "?op=" + operation;
  PENSTOCK_TRY(fetch::Again(settings_, [&]() -> Result<void> {
    net::HttpRequest request;
    request.target = Target(key, operation, {});
    request.repeatable = true;
    request.max_body = kMaxListBytes;
    auto answer = http_->Send(request, LimitsOf(stop));
    if (!answer) return Wrap(asked, answer.error());
    if (!answer->Good()) return Refused(asked, *answer);
    auto json = ParseJson(answer->body, asked);
    if (!json) return Internal(asked + ": the answer is no JSON; is this WebHDFS?");
    out = *std::move(json);
    return {};
  }));
  return out;
}

Result<fetch::SourceObject> WebHdfs::Status(const std::string& key,
                                            const std::stop_token& stop) const {
  PENSTOCK_ASSIGN(const Json answer, Ask(key, "GETFILESTATUS", stop));
  const Json& status = Member(answer, "FileStatus");
  if (TextAt(status, "type") == "DIRECTORY") return NotFound(Name(key) + ": is a folder");
  auto object = ObjectOf(key, status);
  if (!object) return Wrap(Name(key), object.error());
  return object;
}

// A NameNode says which DataNode has the bytes; HttpFS sends them itself, from its own address.
Result<WebHdfs::Place> WebHdfs::WhereToOpen(const std::string& key, std::uint64_t offset) const {
  net::HttpRequest request;
  request.target =
      Target(key, "OPEN", {{"noredirect", "true"}, {"offset", std::to_string(offset)}});
  request.repeatable = true;
  const std::string asked = Name(key) + "?op=OPEN";
  std::string location;
  bool bytes = false;
  request.on_head = [&](const net::HttpResponse& head) -> Result<void> {
    bytes = !head.Header("content-type").starts_with("application/json");
    return {};
  };
  request.on_body = [&](std::string_view piece) -> Result<bool> {
    if (bytes) return false;
    location += piece;
    return location.size() < (1U << 16);
  };
  auto answer = http_->Send(request, LimitsOf(settings_.stop));
  if (bytes) return Place{own_.name_node, false};
  if (!answer) return Wrap(asked, answer.error());
  if (answer->status == 307 || answer->status == 302) {
    location = answer->Header("location");
  } else if (!answer->Good()) {
    return Refused(asked, *answer);
  } else {
    const auto json = ParseJson(location, asked);
    location = json ? TextAt(*json, "Location") : "";
  }
  auto url = net::ParseUrl(location);
  if (!url) return Internal(asked + ": the NameNode names no place of the bytes");
  if (own_.name_node.tls && !url->tls)
    return Invalid(asked + ": leads from TLS to " + url->Base() + ", which is without");
  return Place{*std::move(url), true};
}

Result<void> WebHdfs::OpenOnce(const fetch::SourceObject& meant, std::uint64_t offset,
                               const fetch::Sink& sink) const {
  PENSTOCK_ASSIGN(const auto place, WhereToOpen(meant.key, offset));
  const net::Url& url = place.url;
  net::HttpRequest request;
  // What a DataNode is asked with the NameNode has written, its right too: ours goes nowhere else.
  request.target = !place.told ? Target(meant.key, "OPEN", {{"offset", std::to_string(offset)}})
                   : url.target.empty() ? "/"
                                        : url.target;
  PENSTOCK_ASSIGN(const auto client, ClientOf(url));
  const std::string asked = Name(meant.key) + " at " + url.Base();
  std::uint64_t got = offset;
  auto answer = fetch::GetBody(
      *client, std::move(request), settings_,
      [](const net::HttpResponse&) { return Result<void>(); },
      [&](std::string_view bytes) -> Result<void> {
        got += bytes.size();
        if (got > meant.size)
          return Transient(Name(meant.key) + ": the object changed while it was read");
        return sink(bytes);
      });
  if (!answer) return Wrap(asked, answer.error());
  if (!answer->Good()) return Refused(asked, *answer);
  if (got == meant.size) return {};
  return Transient(asked + ": " + std::to_string(got) + " of " + std::to_string(meant.size) +
                   " bytes came");
}

Result<fetch::SourceObject> WebHdfs::Get(const std::string& key, const std::string& etag,
                                         const fetch::Sink& sink, std::stop_token stop) {
  PENSTOCK_ASSIGN(const auto before, Status(key, stop));
  const Error changed = Transient(Name(key) + ": the object changed while it was read");
  if (!etag.empty() && before.etag != etag) return changed;
  if (before.size > 0) {
    PENSTOCK_TRY(fetch::Resume(settings_, sink, [&](std::uint64_t offset, const fetch::Sink& take) {
      // Cut exactly at the end, of which HDFS does not take an OPEN.
      if (offset == before.size) return Result<void>();
      return OpenOnce(before, offset, take);
    }));
  }
  PENSTOCK_ASSIGN(const auto after, Status(key, stop));
  if (after.etag != before.etag) return changed;
  return before;
}

std::string WebHdfs::ListedBy(const std::string& prefix) const {
  const auto slash = prefix.rfind('/');
  return slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
}

Result<fetch::SourceStore::Page> WebHdfs::List(const std::string& prefix,
                                               const std::string& /*token*/, int most,
                                               std::stop_token stop) {
  Page page;
  std::vector<std::pair<std::string, int>> folders{{prefix, 0}};
  const auto end = std::chrono::steady_clock::now() + settings_.list_deadline;
  while (!folders.empty()) {
    if (std::chrono::steady_clock::now() >= end)
      return Transient(Name(prefix) + ": its list has no end within " +
                       FormatDuration(settings_.list_deadline));
    const auto [folder, depth] = folders.back();
    folders.pop_back();
    PENSTOCK_ASSIGN(const Json answer, Ask(folder, "LISTSTATUS", stop));
    const Json& all = Member(Member(answer, "FileStatuses"), "FileStatus");
    if (!all.is_array()) return Internal(Name(folder) + ": the answer is no list of files");
    for (const Json& status : all) {
      const std::string name = TextAt(status, "pathSuffix");
      if (name.empty())
        return Invalid(Name(folder) + ": is a file, no folder: leave out the / at its end");
      if (TextAt(status, "type") == "DIRECTORY") {
        if (depth >= kDeepest) return Invalid(Name(folder) + ": folders of more than 64 levels");
        folders.emplace_back(folder + name + "/", depth + 1);
        if (!settings_.flat) continue;
        page.objects = {{folder + name + "/.", 0, "", ""}};  // refused by its name
        return page;
      }
      PENSTOCK_ASSIGN(auto object, ObjectOf(folder + name, status));
      page.objects.push_back(std::move(object));
    }
    if (page.objects.size() >= kMostFiles || (most == 1 && !page.objects.empty())) break;
  }
  return page;
}

}  // namespace penstock::hdfs
