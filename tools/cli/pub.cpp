#include "tools/cli/commands.hpp"

#include <iostream>
#include <string>

#include <boost/json.hpp>
#include <tulle/publisher.hpp>

#include "tools/cli/app_urls.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

// The place for the number of an event in --data.
constexpr std::string_view kNumber = "{{n}}";

/// `text` with the number `n` in all places for the number.
std::string numbered(const std::string& text, std::uint64_t n) {
    std::string out = text;
    const std::string number = std::to_string(n);
    // The search goes on behind the number, so that a number is never searched.
    for (std::size_t at = out.find(kNumber); at != std::string::npos; at = out.find(kNumber, at + number.size())) {
        out.replace(at, kNumber.size(), number);
    }
    return out;
}

/// Unreachable also means: the node refuses the credentials.
int exit_code_of(const PublishResult& result) {
    switch (result.status) {
        case PublishStatus::kAccepted:
            return kOk;
        case PublishStatus::kInvalid:
            return kUsage;
        case PublishStatus::kUnavailable:
            return kUnreachable;
        case PublishStatus::kRefused:
            return result.http_status == 401 || result.http_status == 403 ? kUnreachable : kFailed;
        case PublishStatus::kUnknown:
            break;
    }
    return kFailed;
}

/// A sentence about a publish that has failed. `published`: events accepted before.
std::string complaint(const PublishResult& result, const PubOptions& options, std::uint64_t published) {
    std::string text = "tulle: " + std::string(to_string(result.status));
    if (!result.server.empty()) {
        text += " (" + result.server + ")";
    }
    text += ": " + printable(result.error);
    if (result.status == PublishStatus::kUnknown) {
        text += "; the event may have been published";
    }
    if (options.count > 1) {
        text += "; " + std::to_string(published) + " of " + std::to_string(options.count) + " were accepted before";
    }
    return text;
}

}  // namespace

int run_pub(const PubOptions& options) {
    Publisher publisher({.servers = with_scheme(options.app.urls, "http"),
                         .app_id = options.app.id,
                         .app_key = options.app.key,
                         .app_secret = options.app.secret,
                         .timeout = options.timeout,
                         .ca_file = options.app.ca_file});
    PublishResult result;
    std::uint64_t published = 0;
    while (published < options.count) {
        result = publisher.publish(options.channel, options.event, numbered(options.data, published + 1),
                                   PublishOptions{.socket_id = options.socket_id});
        // The first failure ends the series, so that the reported number is a prefix of the events.
        if (!result.ok()) {
            std::cerr << complaint(result, options, published) << "\n";
            break;
        }
        ++published;
    }
    if (options.json) {
        const boost::json::object line{{"status", std::string(to_string(result.status))},
                                       {"http_status", result.http_status},
                                       {"published", published},
                                       {"server", result.server}};
        std::cout << boost::json::serialize(line) << "\n";
    } else if (result.ok()) {
        std::cout << "published " << published << (published == 1 ? " event to " : " events to ") << options.channel
                  << "\n";
    }
    return exit_code_of(result);
}

}  // namespace tulle::cli
