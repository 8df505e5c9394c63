// How people log in at an OpenID provider and out again.
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMostPath = 1'000;

// A path of this host and nothing else: whoever made the link does not choose another.
std::string PathOf(const std::string& to) {
  const bool here = to.starts_with('/') && !to.starts_with("//") && to.size() <= kMostPath &&
                    to.find('\\') == std::string::npos && !net::HasControl(to);
  return here ? to : "/";
}

void SendTo(Exchange& x, const std::string& where, Headers headers) {
  headers.emplace_back("Location", where);
  headers.emplace_back("Cache-Control", "no-store");
  headers.emplace_back("Referrer-Policy", "no-referrer");
  x.Respond(303, "", "", headers);
}

Error NotLoggedIn(const std::string& why) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "nobody is logged in: " + why;
  return e;
}

Result<void> BeginLogin(const Login& login, ApiRequest& r) {
  login::Attempt attempt;
  for (std::string* secret : {&attempt.state, &attempt.nonce, &attempt.verifier}) {
    PENSTOCK_ASSIGN(*secret, login::RandomText());
  }
  attempt.to = PathOf(r.Text("to"));
  PENSTOCK_ASSIGN(const std::string url, login.provider->AuthorizationUrl(attempt, r.stop()));
  PENSTOCK_ASSIGN(const std::string cookie, login.sessions->Remember(attempt));
  SendTo(r.exchange(), url, {{"Set-Cookie", cookie}});
  return {};
}

Error NoSuchLogin() {
  return NotLoggedIn("this browser has begun no such log-in in the last ten minutes; begin again");
}

// What came back, held against the log-in that this browser began.
Result<void> CheckAnswer(const Login& login, const login::Attempt& attempt, ApiRequest& r) {
  if (r.Text("state") != attempt.state) return NoSuchLogin();
  if (!login.provider->IsIssuer(r.Text("iss")))
    return NotLoggedIn("the answer is of another issuer than the one that was asked");
  if (const std::string error = r.Text("error"); !error.empty())
    return NotLoggedIn("the issuer says " + plan::Shown(error, 80) + " " +
                       plan::Shown(r.Text("error_description"), 300));
  if (r.Text("code").empty()) return NotLoggedIn("the issuer's answer has no code");
  return {};
}

void Note(const ApiParts& parts, const std::string& user, const Error* refused) {
  Json line{{"audit", "login"},
            {"user", user},
            {"outcome", refused == nullptr ? "done" : Name(refused->kind)}};
  if (refused != nullptr) line["why"] = refused->message;
  parts.audit(line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void FinishLogin(const ApiParts& parts, ApiRequest& r) {
  const Login& login = *parts.login;
  const auto attempt = login.sessions->Recall(r.exchange().Header("Cookie"));
  // Anybody can ask so, as often as he likes: of what nobody began here no line is kept.
  if (!attempt) return RespondApiError(r.exchange(), NoSuchLogin());
  std::string user;
  const auto cookie = [&]() -> Result<std::string> {
    PENSTOCK_TRY(CheckAnswer(login, *attempt, r));
    PENSTOCK_ASSIGN(const login::Person person,
                    login.provider->Redeem(r.Text("code"), *attempt, r.stop()));
    user = person.user;
    return login.sessions->Begin(person);
  }();
  Note(parts, user, cookie ? nullptr : &cookie.error());
  if (!cookie) return RespondApiError(r.exchange(), cookie.error());
  SendTo(r.exchange(), attempt->to,
         {{"Set-Cookie", *cookie}, {"Set-Cookie", login::Forgotten(login::kAttemptCookie)}});
}

Result<Reply> Logout(const Login& login, ApiRequest& r) {
  const auto session = login.sessions->Find(r.exchange().Header("Cookie"));
  if (!session)
    return Invalid("there is no session: the caller is known by a token or certificate");
  PENSTOCK_TRY(login.sessions->End(*session));
  return Reply{200,
               {{"user", session->person.user}},
               {{"Set-Cookie", login::Forgotten(login::kSessionCookie)}}};
}

}  // namespace

void AddLoginRoutes(const ApiParts& parts, std::vector<ApiRoute>& routes) {
  ApiRoute begin;
  begin.method = "GET";
  begin.path = "/auth/login";
  begin.id = "login";
  begin.summary = "Send a browser to the issuer, to log in";
  begin.query = {{"to", "a path of this host, where the browser goes then"}};
  begin.media = "";
  begin.status = 303;
  begin.open = true;
  begin.answers_itself = [&parts](ApiRequest& r) {
    if (auto begun = BeginLogin(*parts.login, r); !begun)
      RespondApiError(r.exchange(), begun.error());
  };
  routes.push_back(begin);
  ApiRoute finish = begin;
  finish.path = "/auth/callback";
  finish.id = "finishLogin";
  finish.summary = "Where the issuer sends a browser back to: begins a session";
  finish.query = {{"code", "the issuer's, for one ID token"},
                  {"state", "of the log-in that this browser has begun"},
                  {"iss", "the issuer"},
                  {"error", "why there is no code"},
                  {"error_description", "the same in words"}};
  finish.answers_itself = [&parts](ApiRequest& r) { FinishLogin(parts, r); };
  routes.push_back(finish);
  ApiRoute end;
  end.method = "POST";
  end.path = "/auth/logout";
  end.id = "logout";
  end.summary = "End the session of this browser, wherever its cookie is";
  end.answer = "LoggedOut";
  end.body = "Nothing";
  end.handle = [&parts](ApiRequest& r) { return Logout(*parts.login, r); };
  routes.push_back(end);
}

}  // namespace penstock::gateway
