// The sockets of a node, in and out. A turn calls collect(), and collect() visits each source within a budget, so a
// flood on one socket delays neither the other sockets nor the timers. The keys and the binding of the ports are in
// zmq_transport_keys.cpp.
//
// Messages of many parts never come from a node. Parts must be taken out of libzmq one by one, so such messages are
// skipped over several turns, and the connection is ended.
#include "mesh/io/zmq_transport.hpp"

#include <spdlog/spdlog.h>

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <exception>

#include "mesh/wire/codec.hpp"

namespace tulle::mesh {
namespace {

/// Messages of one socket in a turn: enough to drain a burst, and few enough for punctual timers.
constexpr std::size_t kMessagesPerTurn = 2048;
/// Records and bytes of data in a turn, passed by at most one message. A thread hosting the hub delivers everything
/// before writing to its clients, and a client's outbox has 1 MiB.
constexpr std::size_t kRecordsPerTurn = 1024;
constexpr std::size_t kDataBytesPerTurn = 512u << 10;
/// Bytes of control in a turn, passed by at most one message. A talkative peer must not delay the heartbeats of the
/// others.
constexpr std::size_t kControlBytesPerTurn = 512u << 10;
/// Parts of foreign messages skipped in a turn: about 5 ms.
constexpr std::size_t kPartsSkippedPerTurn = 65'536;

// The tokens of the epoll. The token of an outward control connection is its id plus kFirstConnection.
constexpr std::uint64_t kWake = 0;
constexpr std::uint64_t kRouter = 1;
constexpr std::uint64_t kPublisher = 2;
constexpr std::uint64_t kSubscriber = 3;
constexpr std::uint64_t kCheck = 4;
constexpr std::uint64_t kControlWatch = 5;
constexpr std::uint64_t kDataWatch = 6;
constexpr std::uint64_t kSubscriberWatch = 7;
constexpr std::uint64_t kKeyRequests = 8;
constexpr std::uint64_t kFirstConnection = 16;

/// A node subscribes to a single topic on each connection. A connection with more subscriptions than the bound is not a
/// node's.
constexpr std::size_t kTopicsPerConnection = 4;

std::string_view view(const zmq::message_t& message) {
    return {static_cast<const char*>(message.data()), message.size()};
}

/// The descriptor of the message's connection, or -1 when unknown.
int source_of(zmq::message_t& message) {
    return zmq_msg_get(message.handle(), ZMQ_SRCFD);
}

std::uint16_t port_of(const std::string& bound) {
    return parse_host_port(bound).value().port;
}

}  // namespace

TransportLimits TransportLimits::of_this_process() {
    TransportLimits limits;
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        // Half of the descriptors stay for clients, files and the rest of the node. At least 8 connections keep a small
        // mesh working.
        const std::size_t affordable = static_cast<std::size_t>(descriptors.rlim_cur) / 2 / kDescriptorsPerPeer;
        limits.connections = std::clamp<std::size_t>(affordable, 8, limits.connections);
        limits.inbound = limits.connections + 32;
        limits.silent = std::clamp<std::size_t>(static_cast<std::size_t>(descriptors.rlim_cur) / 64, 32, limits.silent);
    }
    return limits;
}

ZmqTransport::ZmqTransport(const std::string& control, const std::string& data, WakeFd& wake, const KeyRing& keys,
                           TransportLimits limits, LookUpName look_up)
    : wake_(wake),
      sockets_(control, data, keys),
      router_(sockets_.router.socket()),
      publisher_(sockets_.publisher.socket()),
      subscriber_(sockets_.subscriber.socket()),
      control_watch_(sockets_.router, port_of(sockets_.bound_control),
                     {limits.inbound, limits.silent, limits.control_waiting_bytes, limits.control_unfinished_bytes}),
      data_watch_(sockets_.publisher, port_of(sockets_.bound_data),
                  {limits.inbound, limits.silent, limits.data_waiting_bytes, 0}),
      addresses_([&wake] { wake.wake(); }, std::move(look_up)),
      control_dialer_(sockets_, ready_, addresses_, dial_counters_, {.first = kFirstConnection, .check = kCheck},
                      limits.connections),
      data_dialer_(sockets_, subscriber_, addresses_, dial_counters_, limits.connections) {
    ready_.add(wake_.fd(), kWake);
    ready_.add(router_.descriptor(), kRouter);
    ready_.add(publisher_.descriptor(), kPublisher);
    ready_.add(subscriber_.descriptor(), kSubscriber);
    ready_.add(control_watch_.events().descriptor(), kControlWatch);
    ready_.add(data_watch_.events().descriptor(), kDataWatch);
    ready_.add(sockets_.subscriber.events().descriptor(), kSubscriberWatch);
    if (sockets_.zap) {
        ready_.add(sockets_.zap->requests().descriptor(), kKeyRequests);
    }
}

ZmqTransport::~ZmqTransport() = default;

void ZmqTransport::listen_for(OriginId oid) {
    sockets_.subscriber.socket().set(zmq::sockopt::subscribe, topic_of(oid));
    subscriber_.touch();
}

void ZmqTransport::resolve_name(const std::string& name) {
    asked_names_.insert(name);
    addresses_.ask(name);
}

void ZmqTransport::send(const Data& message) {
    outgoing_.assign(topic_of(message.dst));
    append(outgoing_, message);
    // Without a subscriber or beyond the high-water mark libzmq drops the message; the receiver's Nack repairs the
    // loss.
    static_cast<void>(sockets_.publisher.socket().send(zmq::buffer(outgoing_), zmq::send_flags::dontwait));
    publisher_.touch();
    ++counters_.data_sent;
    counters_.data_bytes += outgoing_.size() - kTopicBytes;
}

bool ZmqTransport::has_more() {
    bool has_something = control_dialer_.has_more();
    // Every inlet is looked at, because look() also rearms the descriptor's signal.
    for (Inlet* inlet : {&router_, &publisher_, &subscriber_, &control_watch_.events(), &data_watch_.events(),
                         &sockets_.subscriber.events()}) {
        has_something = inlet->look() || has_something;
    }
    // An own condition, so that the handler's inlet is looked at in any case.
    return (sockets_.zap && sockets_.zap->requests().look()) || has_something;
}

Instant ZmqTransport::next_deadline() const {
    const Instant next = std::min(control_watch_.look_at(), data_watch_.look_at());
    return std::min({next, bind_at_.value_or(next), control_dialer_.next_deadline().value_or(next),
                     data_dialer_.next_deadline().value_or(next)});
}

void ZmqTransport::wait(Duration timeout) {
    for (const std::uint64_t token : ready_.wait(timeout)) {
        note_ready(token);
    }
}

void ZmqTransport::note_ready(std::uint64_t token) {
    switch (token) {
        case kWake:
            wake_.clear();
            break;
        case kRouter:
            router_.touch();
            break;
        case kPublisher:
            publisher_.touch();
            break;
        case kSubscriber:
            subscriber_.touch();
            break;
        case kCheck:
            break;  // collect asks all of them
        case kControlWatch:
            control_watch_.events().touch();
            break;
        case kDataWatch:
            data_watch_.events().touch();
            break;
        case kSubscriberWatch:
            sockets_.subscriber.events().touch();
            break;
        case kKeyRequests:
            sockets_.zap->requests().touch();
            break;
        default:
            control_dialer_.note_ready(token);
    }
}

void ZmqTransport::collect(Instant now, std::vector<Input>& out) {
    control_dialer_.begin_turn(now);
    if (sockets_.zap) {
        sockets_.zap->answer();
    }
    bind_ports(now);
    control_watch_.collect();
    data_watch_.collect();
    note_strangers(now);
    if (control_watch_.look(now)) {
        // libzmq does not report unfinished messages. Only a receive without a result before the next look can prove a
        // message unfinished.
        router_.touch();
    }
    static_cast<void>(data_watch_.look(now));
    collect_answers(now, out);
    control_dialer_.collect(now, out);
    data_dialer_.collect(now);
    collect_subscriptions(out);
    collect_router(out);
    collect_data(out);
}

void ZmqTransport::collect_answers(Instant now, std::vector<Input>& out) {
    for (const Resolver::Answer& answer : addresses_.take_answers()) {
        // The name of a seed: the core receives all addresses.
        if (asked_names_.erase(answer.endpoint) > 0) {
            NameResolved resolved{answer.endpoint, {}, answer.found.error};
            for (const NumericAddress& address : answer.found.addresses) {
                resolved.endpoints.push_back(address.text());
            }
            out.push_back(std::move(resolved));
        }
        control_dialer_.on_answer(now, answer, out);
        data_dialer_.on_answer(answer);
    }
}

bool ZmqTransport::skip_router_rest() {
    // Every part counts as taken, so the watch does not end the connection for bytes already out.
    for (std::size_t i = 0; router_in_rest_ && i < kPartsSkippedPerTurn; ++i) {
        zmq::message_t part;
        static_cast<void>(sockets_.router.socket().recv(part, zmq::recv_flags::dontwait));
        control_watch_.took(source_of(part), part.size());
        router_in_rest_ = part.more();
    }
    return !router_in_rest_;
}

void ZmqTransport::collect_router(std::vector<Input>& out) {
    if (!skip_router_rest()) {
        return;
    }
    std::size_t total = 0;
    for (std::size_t i = 0; i < kMessagesPerTurn && total < kControlBytesPerTurn; ++i) {
        zmq::message_t identity;
        // A receive counts as a proof only when the socket was asked at all.
        const bool was_due = router_.is_due();
        if (!router_.receive(identity)) {
            if (was_due) {
                control_watch_.drained();
            }
            return;
        }
        // A ROUTER puts a routing id before each message; an id alone carries nothing.
        if (!identity.more()) {
            continue;
        }
        zmq::message_t body;
        zmq::socket_t& router = sockets_.router.socket();
        static_cast<void>(router.recv(body, zmq::recv_flags::dontwait));
        const int source = source_of(body);
        control_watch_.took(source, body.size());
        // No node sends a second part: end the connection, and skip the parts.
        if (body.more()) {
            router_in_rest_ = true;
            control_watch_.cut_latest(source);
            refused("control", "of many parts");
            if (!skip_router_rest()) {
                return;
            }
            continue;
        }
        if (control_watch_.is_cut(source)) {
            // Messages of a cut connection still waited in libzmq.
            continue;
        }
        total += body.size();
        Result<Control, CodecError> message = decode_control(view(body), counters_.unknown_fields);
        if (message) {
            note_word(control_watch_, source, body);
            out.push_back(std::move(*message));
        } else if (message.error() == CodecError::kUnknownBody) {
            note_word(control_watch_, source, body);
            skipped("control");
        } else {
            refused("control", to_text(message.error()));
        }
    }
}

void ZmqTransport::collect_subscriptions(std::vector<Input>& out) {
    for (std::size_t i = 0; i < kMessagesPerTurn; ++i) {
        zmq::message_t event;
        if (!publisher_.receive(event)) {
            return;
        }
        const int source = source_of(event);
        data_watch_.took(source, event.size());
        const std::string_view bytes = view(event);
        const std::size_t words = note_word(data_watch_, source, event);
        if (words == 0) {
            // The connection has ended, and libzmq has withdrawn the topics.
            continue;
        }
        // Perhaps the end of an old pipe while a new pipe stands, so an unsubscription says nothing about the peer.
        const bool is_unsubscribed = bytes.starts_with('\0');
        const auto oid = bytes.starts_with('\x01') ? oid_of_topic(bytes.substr(1)) : std::nullopt;
        if ((oid || is_unsubscribed) && words <= kTopicsPerConnection && !event.more()) {
            if (oid) {
                out.push_back(SubscriberSeen{*oid});
            }
            continue;
        }
        // The topics end with the connection.
        data_watch_.cut(source);
        refused("subscription", oid || is_unsubscribed ? "more than a node has" : "not to a topic of ours");
    }
}

void ZmqTransport::collect_data(std::vector<Input>& out) {
    for (std::size_t i = 0; subscriber_in_rest_ && i < kPartsSkippedPerTurn; ++i) {
        zmq::message_t part;
        static_cast<void>(sockets_.subscriber.socket().recv(part, zmq::recv_flags::dontwait));
        subscriber_in_rest_ = part.more();
    }
    std::size_t records = 0;
    std::size_t total = 0;
    while (!subscriber_in_rest_ && records < kRecordsPerTurn && total < kDataBytesPerTurn) {
        zmq::message_t bytes;
        if (!subscriber_.receive(bytes)) {
            return;
        }
        // A message without records takes time, too.
        ++records;
        total += bytes.size();
        subscriber_in_rest_ = bytes.more();
        if (subscriber_in_rest_) {
            refused("data", "of many parts");
            // The next turn skips the parts.
            return;
        }
        Result<Data, CodecError> message =
            decode_data(view(bytes).substr(std::min(kTopicBytes, bytes.size())), counters_.unknown_fields);
        if (message) {
            if (const auto* frame = std::get_if<FramePtr>(&message->body)) {
                records += (*frame)->records.size();
            }
            out.push_back(std::move(*message));
        } else if (message.error() == CodecError::kUnknownBody) {
            skipped("data");
        } else {
            refused("data", to_text(message.error()));
        }
    }
}

ZmqTransport::Counters ZmqTransport::counters() const {
    Counters all = counters_;
    all.control_unsent = control_dialer_.traffic().unsent;
    all.control_sent = control_dialer_.traffic().sent;
    all.control_bytes = control_dialer_.traffic().bytes;
    all.connections_put_off = dial_counters_.put_off;
    all.keys_refused = dial_counters_.keys_refused;
    for (const InboundWatch* watch : {&control_watch_, &data_watch_}) {
        all.inbound_refused += watch->counters().refused;
        all.inbound_cut += watch->counters().cut;
    }
    all.keys_unknown = sockets_.zap ? sockets_.zap->refused() : 0;
    return all;
}

void ZmqTransport::skipped(const char* where) {
    ++counters_.unknown_messages;
    if (std::has_single_bit(counters_.unknown_messages)) {
        spdlog::info("skipped a {} message of a kind that this version does not know ({} so far)", where,
                     counters_.unknown_messages);
    }
}

void ZmqTransport::refused(const char* where, const std::string& why) {
    ++counters_.malformed;
    // The 1st, 2nd, 4th, 8th… time: a flood must not fill the log.
    if (std::has_single_bit(counters_.malformed)) {
        spdlog::warn("dropped a {} message on the mesh: {} ({} so far)", where, why, counters_.malformed);
    }
}

}  // namespace tulle::mesh
