//! The Rust SDK, driven by lines of JSON: one request on each line of the standard input, one answer on each of the output.
use pusher::PusherBuilder;
use serde_json::{json, Value};
use std::io::BufRead;

fn text<'a>(command: &'a Value, name: &str) -> &'a str {
    command[name].as_str().unwrap_or_default()
}

fn parameter(name: &str, command: &Value) -> (String, String) {
    let value = if name == "info" { "info" } else { "prefix" };
    (name.to_string(), text(command, value).to_string())
}

fn channel(found: &pusher::Channel) -> Value {
    json!({"occupied": found.occupied, "user_count": found.user_count, "subscription_count": found.subscription_count})
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let pusher = PusherBuilder::new(&arguments[2], &arguments[3], &arguments[4])
        .host(&arguments[1])
        .finalize();
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let channels: Vec<String> = command["channels"]
            .as_array()
            .map(|names| names.iter().map(|name| name.as_str().unwrap().to_string()).collect())
            .unwrap_or_default();
        let names: Vec<&str> = channels.iter().map(String::as_str).collect();
        let answer: Result<Value, String> = match text(&command, "do") {
            "trigger" => pusher
                .trigger_multi(&names, text(&command, "event"), &command["data"])
                .await
                .map(|_| json!({})),
            // Parameters in an order that is not that of the alphabet: this SDK signs them as they come.
            "channels" => pusher
                .channels_with_options(vec![parameter("info", &command), parameter("filter_by_prefix", &command)])
                .await
                .map(|list| json!({"channels": list.channels.iter().map(|(name, found)| (name.clone(), channel(found))).collect::<serde_json::Map<String, Value>>()})),
            "channel" => pusher
                .channel_with_options(text(&command, "channel"), vec![parameter("info", &command)])
                .await
                .map(|found| channel(&found)),
            "users" => pusher
                .channel_users(text(&command, "channel"))
                .await
                .map(|list| json!({"users": list.users.iter().map(|user| json!({"id": user.id})).collect::<Vec<Value>>()})),
            "webhook" => {
                let headers = &command["headers"];
                pusher
                    .webhook(text(headers, "x-pusher-key"), text(headers, "x-pusher-signature"), text(&command, "body"))
                    .map(|webhook| json!({"time_ms": webhook.time_ms, "events": webhook.events}))
                    .map_err(str::to_string)
            }
            other => Err(format!("this SDK has nothing for {other}")),
        };
        match answer {
            Ok(value) => println!("{}", json!({"value": value})),
            Err(error) => println!("{}", json!({"error": error})),
        }
    }
}
