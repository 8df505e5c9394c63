// The OpenAPI document, made of the same table as the routes.
#include <algorithm>

#include "operator/base/version.h"
#include "operator/gateway/api/api_routes.h"

namespace penstock::gateway {
namespace {

Json Ref(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

// "/a/{path...}" is "/a/{path}" to OpenAPI.
std::string PathText(std::string path) {
  if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
  return path;
}

Json PathParametersOf(const std::string& path) {
  Json list = Json::array();
  for (std::size_t open = path.find('{'); open != std::string::npos;
       open = path.find('{', open + 1)) {
    const std::size_t close = path.find('}', open);
    list.push_back({{"name", path.substr(open + 1, close - open - 1)},
                    {"in", "path"},
                    {"required", true},
                    {"schema", {{"type", "string"}}}});
  }
  return list;
}

Json ParameterOf(const ApiParameter& p) {
  Json schema{{"type", p.number ? "integer" : "string"}};
  if (!p.words.empty()) schema["enum"] = p.words;
  if (p.many) schema = {{"type", "array"}, {"items", schema}};
  Json parameter{
      {"name", p.name}, {"in", "query"}, {"description", p.description}, {"schema", schema}};
  if (p.many) parameter["explode"] = true;
  return parameter;
}

Json Answers(const ApiRoute& route) {
  const Json schema = route.answer.empty() ? Json{{"type", "string"}} : Ref(route.answer);
  Json ok{{"description", "as asked for"}};
  if (!route.media.empty()) ok["content"] = {{route.media, {{"schema", schema}}}};
  if (route.method != "GET")
    ok["headers"]["X-Penstock-Command"] = {{"description", "the command that does the same"},
                                           {"schema", {{"type", "string"}}}};
  Json answers{{std::to_string(route.status), ok}};
  const auto error = [&](const char* status, const char* says) {
    answers[status] = {{"description", says},
                       {"content", {{"application/json", {{"schema", Ref("Error")}}}}}};
  };
  error("400", "a parameter or a field is wrong; `field` names it");
  if (!route.open) {
    error("401", "no token, session or certificate, or one that is not accepted");
    answers["401"]["headers"]["X-Penstock-Login"] = {{"description", "where a browser can log in"},
                                                     {"schema", {{"type", "string"}}}};
  }
  if (!route.right.verb.empty()) error("403", "no right to do this in the namespace");
  if (route.right.verb.empty() && (route.open || route.method != "GET"))
    error("403", "not accepted; the message says why");
  if (route.path.find('{') != std::string::npos) error("404", "it is not there");
  if (route.method != "GET") {
    error("409", "it is not in a state for that");
    error("501", "not from here; the message says what does it");
  }
  error("503", "it passes by itself: try again");
  if (route.method == "GET" && !route.answer.empty())
    answers["304"] = {{"description", "as If-None-Match has it"}};
  return answers;
}

std::string TextOf(const Right& right) {
  return right.verb + " " + right.resource +
         (right.subresource.empty() ? "" : "/" + right.subresource);
}

}  // namespace

Json OpenApiDocument(const std::vector<ApiRoute>& routes) {
  Json paths = Json::object();
  for (const ApiRoute& route : routes) {
    const std::string path = PathText(route.path);
    Json operation{{"operationId", route.id},
                   {"summary", route.summary},
                   {"parameters", PathParametersOf(path)},
                   {"responses", Answers(route)}};
    for (const ApiParameter& p : route.query) operation["parameters"].push_back(ParameterOf(p));
    if (route.open) operation["security"] = Json::array();
    if (!route.right.verb.empty()) operation["x-penstock-right"] = TextOf(route.right);
    for (const Right& right : route.also) operation["x-penstock-also"].push_back(TextOf(right));
    if (route.method != "GET")
      operation["parameters"].push_back({{"name", "X-Penstock-Request"},
                                         {"in", "header"},
                                         {"required", true},
                                         {"schema", {{"type", "string"}, {"enum", {"1"}}}}});
    if (!route.body.empty())
      operation["requestBody"] = {
          {"content", {{"application/json", {{"schema", Ref(route.body)}}}}}};
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    paths[path][method] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Penstock"},
            {"version", PenstockVersion()},
            {"description", "Runs, steps, artifacts, lineage and models of a namespace."}}},
          {"servers", {{{"url", kApiRoot}}}},
          {"security",
           {{{"bearer", Json::array()}},
            {{"session", Json::array()}},
            {{"certificate", Json::array()}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", ApiSchemas()},
            {"securitySchemes",
             {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
              {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", login::kSessionCookie}}},
              {"certificate", {{"type", "mutualTLS"}}}}}}}};
}

}  // namespace penstock::gateway
