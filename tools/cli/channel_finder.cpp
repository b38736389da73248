#include "tools/cli/channel_finder.hpp"

#include <utility>

#include <boost/json.hpp>

#include "client/io/server_list.hpp"
#include "client/wire/publish.hpp"
#include "client/wire/signing.hpp"
#include "tools/cli/app_urls.hpp"

namespace tulle::cli {
namespace {

constexpr std::size_t kMaxChannelsAnswer = std::size_t{64} << 20;

/// The signed request for all channels of the app.
std::string channels_request(const AppOptions& app, const client::ServerUrl& server) {
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const std::string target =
        client::signed_target({app.id, app.key, app.secret}, "GET", "/apps/" + app.id + "/channels", "",
                              WallSeconds(std::chrono::seconds(now.time_since_epoch())));
    return client::get_request(server, server.prefix + target);
}

}  // namespace

ChannelFinder::ChannelFinder(const AppOptions& app, std::string prefix, std::chrono::milliseconds timeout)
    : app_(app), prefix_(std::move(prefix)) {
    if (!client::is_valid_app_id(app.id)) {
        throw std::invalid_argument("\"" + app.id + "\" is not the id of an app");
    }
    const std::vector<client::ServerUrl> servers =
        client::parse_servers(with_scheme(app.urls, "http"), "http", "tulle sub --prefix");
    const std::shared_ptr<client::ServerTrust> trust = client::trust_for(servers, app.ca_file, "tulle sub --prefix");
    for (const client::ServerUrl& server : servers) {
        nodes_.push_back(
            std::make_unique<client::HttpConnection>(server, timeout, kMaxChannelsAnswer, std::string(), trust));
    }
}

std::vector<std::string> ChannelFinder::find() {
    client::HttpConnection& node = *nodes_[current_];
    const client::Exchange answer = node.exchange(channels_request(app_, node.server()));
    if (answer.outcome != client::ExchangeOutcome::kAnswered || answer.status != 200) {
        current_ = (current_ + 1) % nodes_.size();
        error_ = answer.outcome == client::ExchangeOutcome::kAnswered
                     ? "HTTP " + std::to_string(answer.status) + ": " + answer.body
                     : answer.error;
        return {};
    }
    boost::json::error_code error;
    const boost::json::value body = boost::json::parse(answer.body, error);
    const boost::json::value* channels =
        error || !body.is_object() ? nullptr : body.get_object().if_contains("channels");
    if (channels == nullptr || !channels->is_object()) {
        error_ = "the answer is no list of channels";
        return {};
    }
    error_.clear();
    std::vector<std::string> out;
    for (const auto& member : channels->get_object()) {
        std::string name(member.key().data(), member.key().size());
        if (name.starts_with(prefix_) && known_.insert(name).second) {
            out.push_back(std::move(name));
        }
    }
    return out;
}

}  // namespace tulle::cli
