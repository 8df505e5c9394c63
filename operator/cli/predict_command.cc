// penstock predict: rows of JSON to a V2 infer request, by the model's own metadata.
#include <cpprest/http_client.h>

#include <chrono>
#include <iterator>
#include <ostream>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/infer_rows.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {
namespace {

Result<Json> Call(const std::string& url, const std::string& path, const Json* body) {
  const std::string what = url + path;
  try {
    web::http::client::http_client_config config;
    config.set_timeout(std::chrono::seconds(30));
    web::http::client::http_client client(web::uri(url), config);
    web::http::http_request request(body != nullptr ? web::http::methods::POST
                                                    : web::http::methods::GET);
    request.set_request_uri(web::uri::encode_uri(path));
    if (body != nullptr) request.set_body(body->dump(), "application/json");
    const web::http::http_response response = client.request(request).get();
    Result<Json> answer = ParseJson(response.extract_utf8string(true).get(), what);
    if (response.status_code() == 200) return answer;
    const std::string said = answer && answer->is_object() ? answer->value("error", "") : "";
    return Internal(what + " answered " + std::to_string(response.status_code()) +
                    (said.empty() ? "" : ": " + said));
  } catch (const std::exception& e) {
    return Transient("no answer from " + what + ": " + e.what() +
                     "; is `penstock serve` running, or --url right?");
  }
}

// --input: "-" is stdin, text that begins as JSON is itself, else a file (JSON, or JSON lines).
Result<Json> ReadInput(const std::string& input, Session& session) {
  std::string text = input;
  std::string what = "--input";
  const std::size_t start = input.find_first_not_of(" \t\n");
  if (input == "-") {
    text.assign(std::istreambuf_iterator<char>(session.in), {});
    what = "stdin";
  } else if (start == std::string::npos || (input[start] != '{' && input[start] != '[')) {
    Result<std::string> file = ReadFile(session.directory / input);
    if (!file) return file.error();
    text = *std::move(file);
    what = input;
  }
  return ParseRows(text, what);
}

}  // namespace

int Predict(const PredictOptions& options, Session& session) {
  if (!options.output.empty() && options.output != "json") {
    return session.Fail(kUsage, "output \"" + options.output + "\" is not known; choose json");
  }
  std::string url = options.url, model = options.model;
  const Result<std::string> noted = ReadFile(State::Of(session).root() / "serve.json");
  if (noted) {
    const Result<Json> note = ParseJson(*noted, "serve.json");
    if (note && url.empty()) url = note->value("url", "");
    if (note && model.empty()) model = note->value("model", "");
  }
  if (url.empty()) url = "http://127.0.0.1:8080";
  if (url.find("://") == std::string::npos) url = "http://" + url;
  while (url.ends_with('/')) url.pop_back();
  if (model.empty()) return session.Fail(kUsage, "--model is needed: the model's name on " + url);
  const Result<Json> input = ReadInput(options.input, session);
  if (!input) return session.Fail(kUsage, input.error().message);

  const std::string path = "/v2/models/" + model;
  Json request = *input;
  if (!input->is_object() || !input->contains("inputs")) {
    const Result<Json> metadata = Call(url, path, nullptr);
    if (!metadata) return session.Fail(kFailed, metadata.error().message);
    Result<Json> built = BuildInferRequest(*metadata, *input);
    if (!built) return session.Fail(kUsage, built.error().message);
    request = *std::move(built);
  }
  const Result<Json> answer = Call(url, path + "/infer", &request);
  if (!answer) return session.Fail(kFailed, answer.error().message);
  if (options.output == "json") {
    session.out << answer->dump(2) << "\n";
    return kOk;
  }
  const Result<Table> table = AnswerTable(*answer);
  if (!table) return session.Fail(kFailed, table.error().message);
  session.out << Format(*table, static_cast<std::size_t>(session.width));
  return kOk;
}

}  // namespace penstock::cli
