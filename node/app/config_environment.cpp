#include "node/app/config_environment.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "node/app/app_credentials.hpp"
#include "node/app/meant_key.hpp"

namespace tulle::node {
namespace {

constexpr std::string_view kPrefix = "TULLE_";
constexpr std::string_view kAppVariables[] = {"TULLE_APP_ID", "TULLE_APP_KEY", "TULLE_APP_SECRET"};

/// Variables of the other programs of Tulle.
constexpr std::string_view kOthers[] = {"TULLE_BIN_DIR", "TULLE_CA_FILE", "TULLE_ENCRYPTION_KEY", "TULLE_SEEDS",
                                        "TULLE_URL"};

bool is_one_of(std::string_view name, const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// True for the variables that Kubernetes sets for a Service "tulle" or "tulle-…" and Docker for a link:
/// …_SERVICE_HOST, …_SERVICE_PORT[_NAME], …_PORT, …_PORT_6001_TCP[_PROTO|_PORT|_ADDR]. Docker also sets
/// TULLE_NAME=/this/tulle, which read_environment treats.
bool is_of_a_service(std::string_view name) {
    if (name.ends_with("_SERVICE_HOST") || name.ends_with("_PORT") ||
        name.find("_SERVICE_PORT_") != std::string_view::npos) {
        return true;
    }
    const std::size_t port = name.find("_PORT_");
    if (port == std::string_view::npos) {
        return false;
    }
    const std::string_view rest = name.substr(port + std::string_view("_PORT_").size());
    const std::size_t digits =
        static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
    const std::string_view protocol = rest.substr(digits);
    return digits > 0 &&
           (protocol.starts_with("_TCP") || protocol.starts_with("_UDP") || protocol.starts_with("_SCTP"));
}

/// The variable that `name` was probably meant to be; empty when no key is like `name`.
std::string meant_by(std::string_view name) {
    std::vector<std::string> variables{"CONFIG", "APP_ID", "APP_KEY", "APP_SECRET"};
    for (const Key& key : keys()) {
        variables.push_back(upper_case(key.name));
    }
    const std::string_view meant = meant_key(name.substr(kPrefix.size()), variables);
    return meant.empty() ? std::string() : std::string(kPrefix).append(meant);
}

std::string joined(const std::vector<std::string>& names) {
    return std::accumulate(names.begin(), names.end(), std::string(), [](std::string text, const std::string& name) {
        return text + (text.empty() ? "" : ", ") + name;
    });
}

/// Makes the app from the three variables, or notes the variables that are missing. Throws ConfigError for wrong
/// credentials.
void take_app(Environment& result, const std::map<std::string, std::string, std::less<>>& values) {
    for (const std::string_view name : kAppVariables) {
        if (!values.contains(name)) {
            result.missing.emplace_back(name);
        }
    }
    // None of the three is set: no app is wanted.
    if (result.missing.size() == std::size(kAppVariables)) {
        result.missing.clear();
    } else if (result.missing.empty()) {
        App app;
        app.id = values.find(kAppVariables[0])->second;
        app.key = values.find(kAppVariables[1])->second;
        app.secret = values.find(kAppVariables[2])->second;
        app.origin = "environment variables TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET";
        if (const std::string wrong = wrong_credentials(app); !wrong.empty()) {
            throw ConfigError(app.origin + ": " + wrong);
        }
        result.app = std::move(app);
    }
}

}  // namespace

Environment read_environment(const std::vector<std::string>& environment) {
    Environment result;
    std::map<std::string, std::string, std::less<>> of_app;
    for (const std::string& variable : environment) {
        const std::size_t equals = variable.find('=');
        const std::string name = variable.substr(0, equals);
        if (!name.starts_with(kPrefix) || equals == std::string::npos || equals + 1 == variable.size() ||
            is_one_of(name, kOthers)) {
            continue;
        }
        const std::string value = variable.substr(equals + 1);
        const auto key = std::find_if(keys().begin(), keys().end(), [&](const Key& candidate) {
            return name == std::string(kPrefix) + upper_case(candidate.name);
        });
        if (name == "TULLE_CONFIG") {
            result.config_file = value;
        } else if (is_one_of(name, kAppVariables)) {
            of_app.emplace(name, value);
        } else if (key != keys().end() && !(key->name == "name" && value.starts_with('/'))) {
            result.settings[std::string(key->name)] = {value, "environment variable " + name};
        } else if (const std::string meant = key != keys().end() || is_of_a_service(name) ? "" : meant_by(name);
                   !meant.empty()) {
            throw ConfigError("unknown environment variable " + name + ": is " + meant + " meant?");
        } else {
            result.ignored.push_back(name);
        }
    }
    take_app(result, of_app);
    return result;
}

std::vector<App> with_app_of(const Environment& environment, std::vector<App> apps, bool has_apps_dir) {
    // With other apps, a leftover TULLE_APP_* variable does no harm. Without any app, the user wanted one and would get
    // the default app instead.
    if (!environment.missing.empty() && apps.empty() && !has_apps_dir) {
        const bool is_one = environment.missing.size() == 1;
        throw ConfigError((is_one ? "environment variable " : "environment variables ") + joined(environment.missing) +
                          (is_one ? " is" : " are") +
                          " not set: an app is configured by all of TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET");
    }
    if (environment.app) {
        const App& own = *environment.app;
        const bool is_known = std::any_of(apps.begin(), apps.end(), [&own](const App& app) {
            return app.id == own.id && app.key == own.key && app.secret == own.secret;
        });
        if (!is_known) {
            apps.push_back(own);
        }
    }
    return apps;
}

std::string upper_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return result;
}

}  // namespace tulle::node
