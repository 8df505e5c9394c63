#include "components/http/run.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#include "components/http/exchange.h"
#include "components/http/webhook.h"
#include "components/outside/conditions.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::http {
namespace {

using outside::Condition;
using outside::Extraction;
using std::chrono::steady_clock;

constexpr std::size_t kMostRead = 1 << 20;    // of a body that a condition looks at
constexpr std::size_t kMostText = 8 << 10;    // of the result body
constexpr std::size_t kMostValues = 8 << 10;  // of the result values
constexpr std::size_t kMostSent = 256 << 20;  // of the input body
constexpr std::size_t kShown = 500;           // of an answer, in a message

bool IsWebhookHeader(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return name == "webhook-id" || name == "webhook-timestamp" || name == "webhook-signature";
}

struct Range {
  int first = 0, last = 0;
};

Result<Range> ParseRange(const std::string& text) {
  Range range;
  const std::size_t dash = text.find('-');
  const auto read = [&](std::size_t begin, std::size_t end, int& out) {
    const char* stop = text.data() + end;
    const auto got = std::from_chars(text.data() + begin, stop, out);
    return got.ec == std::errc() && got.ptr == stop && out >= 100 && out <= 599;
  };
  const std::size_t end = dash == std::string::npos ? text.size() : dash;
  bool good = read(0, end, range.first);
  if (dash == std::string::npos) range.last = range.first;
  if (good && dash != std::string::npos) good = read(dash + 1, text.size(), range.last);
  if (good && range.first <= range.last) return range;
  return Invalid("expected: '" + text + "' is no status; write \"404\" or \"200-299\"");
}

// ${NAME} is a variable, $${ is ${. What comes of variables is added to `taken`. `field` is where
// the text stands.
Result<std::string> WithVariables(const std::string& field, const std::string& text,
                                  const std::map<std::string, std::string>& environment,
                                  std::vector<std::string>& taken) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      out += "${";
      i += 3;
      continue;
    }
    if (text.compare(i, 2, "${") != 0) {
      out += text[i++];
      continue;
    }
    const std::size_t end = text.find('}', i);
    const std::string name = text.substr(i + 2, end == std::string::npos ? 0 : end - i - 2);
    const auto it = environment.find(name);
    if (name.empty() || it == environment.end())
      return Invalid(field + ": the step's env has no variable '" + name + "'");
    out += it->second;
    taken.push_back(it->second);
    i = end + 1;
  }
  while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();  // of a Secret from a file
  return out;
}

// What the step asks for.
struct Wanted {
  Request request;
  std::vector<Range> expected;
  Condition success, until, failure;
  Extraction results;
  Milliseconds interval{}, timeout{};
  std::vector<std::string> hidden;  // what headers took of the environment: no message shows it
  [[nodiscard]] bool Expects(int status) const {
    for (const Range& r : expected)
      if (status >= r.first && status <= r.last) return true;
    return false;
  }
};

struct Bounds {
  Milliseconds least{1}, most = std::chrono::hours(24 * 7);
};

constexpr Bounds kInterval{Milliseconds(1'000), std::chrono::hours(24)};

Result<Milliseconds> ReadDuration(sdk::Parameters& p, const std::string& name,
                                  const std::string& fallback, const Bounds& bounds = {}) {
  auto read = ParseDuration(p.String(name, fallback));
  if (!read) return Wrap(name, read.error());
  if (*read < bounds.least || *read > bounds.most)
    return Invalid(name + ": lies between " + FormatDuration(bounds.least) + " and " +
                   FormatDuration(bounds.most));
  return read;
}

Result<net::Headers> ReadHeaders(const Json& given,
                                 const std::map<std::string, std::string>& environment,
                                 std::vector<std::string>& taken) {
  net::Headers headers;
  for (const auto& [name, value] : given.items()) {
    if (name.empty() || name.find_first_of(" \t\r\n:") != std::string::npos)
      return Invalid("headers: '" + name + "' is no header's name");
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    PENSTOCK_ASSIGN(std::string filled, WithVariables("headers." + name, text, environment, taken));
    headers.emplace_back(name, std::move(filled));
  }
  return headers;
}

// The id is of the run's step, of the address and of what is sent: a further attempt sends the same
// message, another item of a loop another one.
Result<std::optional<Signature>> ReadSignature(
    const std::string& key, const Request& request,
    const std::map<std::string, std::string>& environment, std::vector<std::string>& taken) {
  if (key.empty()) return std::optional<Signature>();
  for (const auto& [name, value] : request.headers)
    if (IsWebhookHeader(name))
      return Invalid("headers." + name + ": signingKey says it; remove one");
  PENSTOCK_ASSIGN(const std::string filled, WithVariables("signingKey", key, environment, taken));
  if (filled.empty()) return Invalid("signingKey: is empty");
  if (!WebhookSignature(filled, "", 0, ""))
    return Invalid("signingKey: what follows whsec_ is no base64");
  const auto of_step = environment.find("PENSTOCK_MESSAGE");
  const std::string what = (of_step == environment.end() ? "" : of_step->second) + "\n" +
                           request.url + "\n" + request.body;
  return std::optional(Signature{filled, "msg_" + Sha256Hex(what).substr(0, 32)});
}

Result<std::string> ReadBody(const sdk::Step& step, const Json& given) {
  if (!step.HasInput("body"))
    return given.is_null() ? std::string() : given.get_ref<const std::string&>();
  if (!given.is_null()) return Invalid("body: is given as a parameter and as an input; remove one");
  PENSTOCK_ASSIGN(const std::string path, step.InputPath("body"));
  auto read = ReadFile(path, kMostSent);
  if (!read) return Wrap("the input body", read.error());
  return read;
}

Result<Wanted> ReadWanted(const sdk::Step& step,
                          const std::map<std::string, std::string>& environment) {
  static const std::vector<std::string> kVariables = {"status", "headers", "body"};
  sdk::Parameters p(step.parameters());
  Wanted w;
  w.request.url = p.RequiredString("url");
  w.request.method = p.OneOf("method", "GET", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"});
  const Json headers = p.Object("headers");
  const Json body = p.Any("body");
  if (!body.is_null() && !body.is_string()) p.Fail("body: is a string");
  const std::string key = p.String("signingKey", "");
  const auto expected = p.Strings("expected", {"200-299"});
  const std::string success = p.String("successCondition", ""), until = p.String("until", ""),
                    failure = p.String("failureCondition", "");
  const Json results = p.Object("results");
  w.request.max_bytes =
      static_cast<std::uint64_t>(p.Integer("maxBytes", 64 << 20, 0, std::int64_t{1} << 30));
  PENSTOCK_ASSIGN(w.interval, ReadDuration(p, "interval", "10s", kInterval));
  PENSTOCK_ASSIGN(w.timeout, ReadDuration(p, "timeout", "1h"));
  PENSTOCK_ASSIGN(w.request.timeout, ReadDuration(p, "requestTimeout", "30s"));
  PENSTOCK_TRY(p.Finish());
  for (const std::string& text : expected) {
    PENSTOCK_ASSIGN(const Range range, ParseRange(text));
    w.expected.push_back(range);
  }
  PENSTOCK_ASSIGN(w.success, Condition::Parse("successCondition", success, kVariables));
  PENSTOCK_ASSIGN(w.until, Condition::Parse("until", until, kVariables));
  PENSTOCK_ASSIGN(w.failure, Condition::Parse("failureCondition", failure, kVariables));
  PENSTOCK_ASSIGN(w.results, Extraction::Parse(results, kVariables));
  PENSTOCK_ASSIGN(w.request.headers, ReadHeaders(headers, environment, w.hidden));
  PENSTOCK_ASSIGN(w.request.body, ReadBody(step, body));
  PENSTOCK_ASSIGN(w.request.signature, ReadSignature(key, w.request, environment, w.hidden));
  return w;
}

// What came, as conditions and messages look at it.
struct Seen {
  int status = 0;
  std::uint64_t bytes = 0;
  std::string text;  // the body, or its first MiB
  outside::Variables variables;
};

Result<Seen> Look(const Answer& answer, const std::string& file) {
  Seen seen{answer.status, answer.bytes, "", {}};
  if (answer.bytes <= kMostRead) {
    PENSTOCK_ASSIGN(seen.text, ReadFile(file, kMostRead));
  }
  Json object{{"status", answer.status}, {"headers", answer.headers}};
  const auto parsed = ParseJson(seen.text, "the body");
  Json body = parsed ? *parsed : IsUtf8(seen.text) ? Json(seen.text) : Json();
  // A condition over one that is larger has no value, and says that there is no body.
  if (answer.bytes <= kMostRead) object["body"] = std::move(body);
  seen.variables = outside::VariablesOf(object);
  return seen;
}

// A server may send back what it got.
std::string WithoutHidden(std::string text, const std::vector<std::string>& hidden) {
  for (std::string one : hidden) {
    while (!one.empty() && (one.back() == '\n' || one.back() == '\r')) one.pop_back();
    if (one.empty()) continue;
    for (std::size_t at = 0; (at = text.find(one, at)) != std::string::npos; at += 3)
      text.replace(at, one.size(), "***");
  }
  return text;
}

std::string Said(const Seen& seen, const std::vector<std::string>& hidden) {
  const std::string text = plan::Shown(WithoutHidden(seen.text, hidden), kShown);
  return "the server answered " + std::to_string(seen.status) + (text.empty() ? "" : ": " + text);
}

bool MayPass(int status) { return status == 408 || status == 429 || status >= 500; }

class Asking {
 public:
  Asking(Wanted& wanted, std::string file, const std::map<std::string, std::string>& environment,
         std::stop_token stop, const PauseFor& pause)
      : w_(wanted),
        file_(std::move(file)),
        environment_(environment),
        stop_(std::move(stop)),
        pause_(pause) {}

  // The answer that counts.
  Result<Seen> Run() {
    const auto end = steady_clock::now() + w_.timeout;
    const Milliseconds for_one = w_.request.timeout;
    for (;;) {
      if (w_.until.IsGiven())  // a question that is on its way ends in time too
        w_.request.timeout =
            std::min(for_one, std::chrono::ceil<Milliseconds>(end - steady_clock::now()));
      auto seen = Ask();
      if (!seen) return seen.error();
      if (*seen) return Judge(**std::move(seen));
      if (steady_clock::now() + w_.interval > end)
        return Invalid("until (" + w_.until.text() + ") did not become true within " +
                       FormatDuration(w_.timeout) + "; " + last_);
      if (!pause_(w_.interval, stop_)) return Cancelled("stopped while it waited");
    }
  }

 private:
  // One question; no value: it is to be asked again.
  Result<std::optional<Seen>> Ask() {
    auto answer = Send(w_.request, file_, environment_, stop_);
    if (!answer) {
      if (!w_.until.IsGiven() || !PassesByItself(answer.error().kind)) return answer.error();
      return Again(answer.error().message);
    }
    PENSTOCK_ASSIGN(Seen seen, Look(*answer, file_));
    Tell(w_.request.method + " " + ShownUri(w_.request.url) + ": " + std::to_string(seen.status) +
             ", " + std::to_string(seen.bytes) + " bytes",
         told_.answer);
    if (!w_.Expects(seen.status)) {
      if (w_.until.IsGiven() && MayPass(seen.status)) return Again(Said(seen, w_.hidden));
      return Invalid(Said(seen, w_.hidden) + "; expected are other statuses");
    }
    if (answer->cut)
      return Invalid("the server answered " + std::to_string(seen.status) +
                     " with over 1 MiB, of which only the beginning is kept of what is no 2xx");
    if (w_.failure.IsGiven()) {
      const auto failed = w_.failure.Holds(seen.variables);
      if (!failed) Tell("not true, as it has no value: " + failed.error().message, told_.failure);
      if (failed && *failed)
        return Invalid("failureCondition (" + w_.failure.text() +
                       ") is true: " + Said(seen, w_.hidden));
    }
    if (!w_.until.IsGiven()) return std::optional<Seen>(std::move(seen));
    auto holds = w_.until.Holds(seen.variables);
    if (holds && *holds) return std::optional<Seen>(std::move(seen));
    return Again(holds ? Said(seen, w_.hidden)
                       : holds.error().message + ", when " + Said(seen, w_.hidden));
  }

  Result<Seen> Judge(Seen seen) const {
    if (!w_.success.IsGiven()) return seen;
    auto good = w_.success.Holds(seen.variables);
    if (!good) return Wrap(Said(seen, w_.hidden), good.error());
    if (!*good)
      return Invalid("successCondition (" + w_.success.text() +
                     ") is false: " + Said(seen, w_.hidden));
    return seen;
  }

  std::optional<Seen> Again(std::string why) {
    Tell("not yet: " + why, told_.wait);
    last_ = std::move(why);
    return std::nullopt;
  }

  // What is said already is not said again.
  static void Tell(const std::string& line, std::string& before) {
    if (line == before) return;
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    before = line;
  }

  Wanted& w_;
  const std::string file_;
  const std::map<std::string, std::string>& environment_;
  const std::stop_token stop_;
  const PauseFor& pause_;
  std::string last_;
  struct {
    std::string answer, failure, wait;
  } told_;
};

}  // namespace

Result<void> RunHttp(sdk::Step& step, const std::map<std::string, std::string>& environment,
                     std::stop_token stop, const PauseFor& pause) {
  PENSTOCK_ASSIGN(Wanted wanted, ReadWanted(step, environment));
  PENSTOCK_ASSIGN(const std::string file, step.OutputPath("body"));
  PENSTOCK_ASSIGN(const Seen seen, Asking(wanted, file, environment, std::move(stop), pause).Run());
  PENSTOCK_ASSIGN(const Json values, wanted.results.Values(seen.variables));
  if (values.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMostValues)
    return Invalid("results: have over 8 KiB; take less, or read the output body");
  PENSTOCK_TRY(step.WriteResult("status", seen.status));
  PENSTOCK_TRY(step.WriteResult("values", values));
  const bool is_text =
      seen.bytes <= kMostText && IsUtf8(seen.text) && seen.text.find('\0') == std::string::npos;
  if (!is_text)
    std::printf(
        "note: the body is no text of at most 8 KiB: it is an output, the result is empty\n");
  return step.WriteResult("body", is_text ? seen.text : "");
}

}  // namespace penstock::http
