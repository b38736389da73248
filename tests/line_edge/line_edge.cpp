#include "tests/line_edge/line_edge.hpp"

#include <utility>
#include <variant>

#include <boost/asio/buffer.hpp>

#include "mesh/base/overloaded.hpp"

namespace tulle::node::line {

LineConnection::LineConnection(LineEdge& edge, Reactor& reactor, Socket socket, Peer peer, const OutboxLimits& limits)
    : StreamConnection(reactor, socket, std::move(peer), limits), edge_(edge), socket_(std::move(socket)) {}

void LineConnection::start() {
    enter();
    reactor().guard(*this, [this] {
        socket_.non_blocking(true);
        open();
        read();
    });
}

void LineConnection::say(std::string_view line) {
    send(reactor().arena().append({line, "\n"}), 1);
}

void LineConnection::on_left() {
    edge_.on_gone(*this);
}

void LineConnection::read() {
    socket_.async_read_some(boost::asio::buffer(buffer_) + held_,
                            guarded([this](const boost::system::error_code& error, std::size_t bytes) {
                                if (error) {
                                    finish();
                                } else {
                                    on_read(bytes);
                                }
                            }));
}

void LineConnection::on_read(std::size_t bytes) {
    held_ += bytes;
    std::string_view rest(buffer_.data(), held_);
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos && !is_ended(); end = rest.find('\n')) {
        edge_.on_line(*this, rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    std::copy(rest.begin(), rest.end(), buffer_.begin());
    held_ = rest.size();
    if (held_ == buffer_.size()) {
        finish_with("ERR line too long\n");
    } else if (!is_ended()) {
        read();
    }
}

LineEdge::LineEdge(const EdgeContext& context, std::string app)
    : context_(context), app_(std::move(app)), fanout_(context.reactor) {}

void LineEdge::accept(Socket socket, Peer peer) {
    auto client =
        std::make_shared<LineConnection>(*this, context_.reactor, std::move(socket), std::move(peer), limits_);
    client->start();
    fanout_.add(*client);
    open_[client->slot().value] = client.get();
    ++clients_;
}

void LineEdge::refuse(Socket& socket) {
    boost::system::error_code ignored;
    socket.write_some("ERR full\n", ignored);
}

void LineEdge::on_gone(LineConnection& client) {
    ChannelEffects effects;
    channels_.remove(client.slot(), effects);
    run(effects);
    fanout_.remove(client.slot());
    clients_ -= open_.erase(client.slot().value);
}

void LineEdge::on_line(LineConnection& client, std::string_view line) {
    const std::string_view verb = line.substr(0, line.find(' '));
    const std::string_view rest = line.substr(std::min(line.size(), verb.size() + 1));
    const std::string_view name = rest.substr(0, rest.find(' '));
    ChannelEffects effects;
    if (name.empty() || name.front() == '#') {
        client.say("ERR no channel");
    } else if (verb == "SUB") {
        channels_.subscribe(client.slot(), key_of(name), {}, effects);
    } else if (verb == "UNSUB") {
        channels_.unsubscribe(client.slot(), key_of(name), effects);
        client.say(line);
    } else if (verb == "PUB") {
        mesh::Publish publish;
        publish.channels = {key_of(name)};
        publish.body = share(EventBody("line", rest.substr(std::min(rest.size(), name.size() + 1)), DataKind::kBytes));
        context_.hub.send(std::move(publish));
    } else {
        client.say("ERR SUB, UNSUB or PUB");
    }
    run(effects);
}

void LineEdge::run(const ChannelEffects& effects) {
    for (const ChannelEffect& effect : effects) {
        std::visit(Overloaded{
                       [&](const SubscribeHub& first) {
                           context_.hub.send(mesh::Subscribe{first.channel, first.generation, false, false});
                       },
                       [&](const UnsubscribeHub& last) { context_.hub.send(mesh::Unsubscribe{last.channel}); },
                       [&](const Confirm& done) {
                           open_.at(done.slot.value)->say("SUB " + std::string(name_of(done.channel)));
                       },
                       [](const AskAdmission&) {},  // of presence channels, which this protocol has not
                   },
                   effect);
    }
}

void LineEdge::on_mail(mesh::ToShard& message) {
    ChannelEffects effects;
    if (const auto* record = std::get_if<mesh::Deliver>(&message)) {
        deliver(*record->record);
    } else if (const auto* answer = std::get_if<mesh::Subscribed>(&message)) {
        fanout_.end_run();
        channels_.on_subscribed(answer->channel, answer->generation, effects);
    } else if (const auto* gap = std::get_if<mesh::Gap>(&message)) {
        fanout_.end_run();
        const std::string line = "GAP " + std::string(gap->channel.empty() ? "" : name_of(gap->channel)) + "\n";
        fanout_.send(channels_.confirmed(gap->channel), context_.reactor.arena().append({line}), 1);
    }
    run(effects);
}

void LineEdge::deliver(const mesh::Record& record) {
    for (const std::string& channel : record.channels) {
        if (!fanout_.is_running(channel, std::nullopt)) {
            fanout_.begin_run(channel, channels_.confirmed(channel), std::nullopt);
        }
        if (record.body && fanout_.has_audience()) {
            fanout_.add_to_run(context_.reactor.arena().append(
                {"MSG ", name_of(channel), " ", record.body->name(), " ", record.body->data(), "\n"}));
        }
    }
}

}  // namespace tulle::node::line
