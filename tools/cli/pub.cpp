#include "tools/cli/commands.hpp"

#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/json.hpp>
#include <tulle/publisher.hpp>

#include "tools/cli/app_urls.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/pub_line.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

// Far beyond what a node takes as one event.
constexpr std::size_t kMaxPubLineBytes = std::size_t{4} << 20;
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

/// A sentence about a publish that has failed. `published`: events accepted before. `count`: events in all; 0 when
/// nobody knows.
std::string complaint(const PublishResult& result, std::uint64_t count, std::uint64_t published) {
    std::string text = "tulle: " + std::string(to_string(result.status));
    if (!result.server.empty()) {
        text += " (" + result.server + ")";
    }
    text += ": " + printable(result.error);
    if (result.status == PublishStatus::kUnknown) {
        text += "; the event may have been published";
    }
    if (count != 1) {
        text += "; " + std::to_string(published) + (count == 0 ? "" : " of " + std::to_string(count)) +
                " were accepted before";
    }
    return text;
}

/// Gives the events one after the other.
class EventSource {
public:
    explicit EventSource(const PubOptions& options)
        : options_(options), is_input_(options.channel == "-" || options.data == "-") {}

    /// The next event; nothing at the end. Throws std::invalid_argument for a line that is no event.
    std::optional<PubLine> next() {
        if (!is_input_) {
            ++given_;
            return given_ > options_.count
                       ? std::nullopt
                       : std::optional(PubLine{options_.channel, options_.event, numbered(*options_.data, given_),
                                               options_.socket_id});
        }
        for (std::string line; std::getline(std::cin, line);) {
            ++given_;
            if (line.size() > kMaxPubLineBytes) {
                throw std::invalid_argument("line " + std::to_string(given_) +
                                            " of standard input has more than 4 MiB");
            }
            // A line without anything separates events at most.
            if (!line.empty() && options_.channel != "-") {
                return PubLine{options_.channel, options_.event, std::move(line), options_.socket_id};
            }
            if (!line.empty()) {
                return parsed(line);
            }
        }
        return std::nullopt;
    }
    /// The number of events, or 0 when nobody knows.
    [[nodiscard]] std::uint64_t count() const { return is_input_ ? 0 : options_.count; }

private:
    [[nodiscard]] PubLine parsed(const std::string& line) const {
        auto event = parse_pub_line(line);
        if (event.has_error()) {
            throw std::invalid_argument("line " + std::to_string(given_) + " of standard input " + event.error().text);
        }
        if (event->socket_id.empty()) {
            event->socket_id = options_.socket_id;
        }
        return std::move(*event);
    }

    const PubOptions& options_;
    bool is_input_;
    /// Events given, or lines read.
    std::uint64_t given_ = 0;
};

}  // namespace

int run_pub(const PubOptions& options) {
    Publisher publisher({.servers = with_scheme(options.app.urls, "http"),
                         .app_id = options.app.id,
                         .app_key = options.app.key,
                         .app_secret = options.app.secret,
                         .encryption_master_key_base64 = options.app.encryption_key,
                         .timeout = options.timeout,
                         .ca_file = options.app.ca_file});
    PublishResult result;
    // Without any event nothing has failed.
    result.status = PublishStatus::kAccepted;
    std::uint64_t published = 0;
    EventSource source(options);
    while (const std::optional<PubLine> event = source.next()) {
        result =
            publisher.publish(event->channel, event->event, event->data, PublishOptions{.socket_id = event->socket_id});
        // The first failure ends the series, so that the reported number is a prefix of the events.
        if (!result.ok()) {
            std::cerr << complaint(result, source.count(), published) << "\n";
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
        std::cout << "published " << published << (published == 1 ? " event" : " events")
                  << (options.channel == "-" ? "" : " to " + options.channel) << "\n";
    }
    return exit_code_of(result);
}

}  // namespace tulle::cli
