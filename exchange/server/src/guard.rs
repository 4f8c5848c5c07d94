//! What a server bears of strangers: how many connections, how long each may take to say what it wants, and how long to
//! take what it is answered.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::Server;
use axum_server::accept::Accept;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// How every connection of HTTP/2 begins; any other first byte is HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Time in which a client of HTTP/2 answers a ping.
const PING: Duration = Duration::from_secs(20);

/// The bounds of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at the same time; one more is closed at once.
    pub(crate) connections: usize,
    /// Of them, those of one address (of IPv6: of one network of 64 bits).
    pub(crate) per_address: usize,
    /// Time for the head of a request, and for the next request on a connection.
    pub(crate) head: Duration,
    /// Time in which a client takes some of what it is sent.
    pub(crate) write: Duration,
}

/// Puts a server within its bounds.
pub(crate) fn guard<A>(server: Server<SocketAddr, A>, bounds: Bounds) -> Server<SocketAddr, Guard<A>> {
    let places = Places::of(bounds);
    let mut server = server.map(|inner| Guard { inner, places, bounds });
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    server
}

/// Takes connections in, each with a place of its own.
#[derive(Clone)]
pub(crate) struct Guard<A> {
    inner: A,
    places: Places,
    bounds: Bounds,
}

/// The places of a server.
#[derive(Clone)]
struct Places {
    all: Arc<Semaphore>,
    per_address: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    fn of(bounds: Bounds) -> Self {
        let all = Arc::new(Semaphore::new(bounds.connections));
        Self { all, per_address: bounds.per_address, taken: Arc::default() }
    }

    /// A place for a connection from this address, if there is one.
    fn take(&self, address: IpAddr) -> io::Result<Place> {
        let too_many = |_| io::Error::other("too many connections");
        let all = Arc::clone(&self.all).try_acquire_owned().map_err(too_many)?;
        let address = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.per_address {
            return Err(io::Error::other("too many connections from one address"));
        }
        *count += 1;
        Ok(Place { _all: all, address, taken: Arc::clone(&self.taken) })
    }
}

/// A place, until it is dropped.
struct Place {
    _all: OwnedSemaphorePermit,
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.address);
        } else {
            taken.insert(self.address, left);
        }
    }
}

/// Whoever has an IPv6 address has a network of 64 bits of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

impl<A, S> Accept<TcpStream, S> for Guard<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Guarded<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send + 'static>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().and_then(|peer| self.places.take(peer.ip()));
        let (Bounds { head, write, .. }, accepting) = (self.bounds, self.inner.accept(stream, service));
        Box::pin(async move {
            let place = place?;
            let (stream, service) = accepting.await?;
            let deadline = Some(Box::pin(sleep(head)));
            Ok((Guarded { stream, seen: 0, deadline, write, stalled: None, _place: place }, service))
        })
    }
}

/// A connection that must soon say which protocol it speaks, for until then no other timeout watches it, and that must
/// take what it is sent.
pub(crate) struct Guarded<S> {
    stream: S,
    /// Bytes of the preface seen.
    seen: usize,
    /// None once the protocol is known.
    deadline: Option<Pin<Box<Sleep>>>,
    write: Duration,
    /// Until when some of what waits to be sent must be taken; None while nothing waits.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl<S> Guarded<S> {
    fn read(&mut self, bytes: &[u8]) {
        let rest = PREFACE.get(self.seen..).unwrap_or_default();
        self.seen += bytes.len();
        let is_known = bytes.len() >= rest.len() || !rest.starts_with(bytes);
        if is_known {
            self.deadline = None;
        }
    }
}

impl<S> Guarded<S> {
    /// What a write came to, or an error where none has come to anything for too long.
    fn watched<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let write = self.write;
        match self.stalled.get_or_insert_with(|| Box::pin(sleep(write))).as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(deadline) = &mut self.deadline else { return polled };
        if polled.is_pending() && deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.read(buffer.filled().get(before..).unwrap_or_default());
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watched(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use axum::Router;
    use axum::routing::get;
    use futures::StreamExt as _;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A server with these bounds; it ends with the runtime of the test.
    fn serve(connections: usize, head: Duration) -> SocketAddr {
        let routes = Router::new().route("/", get(|| async { "well" }));
        serve_routes(routes, Bounds { connections, per_address: connections, head, write: HOUR })
    }

    fn serve_routes(routes: Router, bounds: Bounds) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = guard(axum_server::from_tcp(listener).unwrap(), bounds);
        tokio::spawn(server.serve(routes.into_make_service()));
        address
    }

    /// What the server answers to these bytes until it closes the connection.
    async fn answer(address: SocketAddr, sent: &'static [u8]) -> String {
        let ask = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream.write_all(sent).unwrap();
            let mut text = Vec::new();
            match stream.read_to_end(&mut text) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("it is never closed"),
                _ => String::from_utf8_lossy(&text).into_owned(),
            }
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    const WHOLE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_does_not_say_what_they_want_is_shown_out() {
        let address = serve(10, Duration::from_millis(50));
        for slow in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"G", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
            let text = answer(address, slow).await;
            assert!(!text.contains("well"), "{text}");
        }
        assert!(answer(address, WHOLE).await.contains("well"), "and then the idle connection is closed");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_connection_too_many_is_closed_and_its_place_comes_back() {
        let address = serve(1, Duration::from_millis(200));
        let first = TcpStream::connect(address).unwrap();
        let mut kept = first.try_clone().unwrap();
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut one = [0];
        let read = tokio::task::spawn_blocking(move || kept.read(&mut one).unwrap());
        assert_eq!(read.await.unwrap(), 1, "the first has its place");
        assert_eq!(answer(address, WHOLE).await, "");
        drop(first);
        for _ in 0..10_000 {
            if answer(address, WHOLE).await.contains("well") {
                return;
            }
        }
        panic!("the place never came back");
    }

    #[test]
    fn one_address_takes_its_own_places_alone() {
        let bounds = Bounds { connections: 4, per_address: 2, head: HOUR, write: HOUR };
        let places = Places::of(bounds);
        let take = |address: &str| places.take(address.parse().unwrap());
        let first = take("203.0.113.7").unwrap();
        let _second = take("::ffff:203.0.113.7").unwrap();
        assert!(take("203.0.113.7").is_err());
        let other = take("2001:db8::1").unwrap();
        let _another = take("2001:db8::2").unwrap();
        assert!(take("203.0.113.8").is_err(), "all are taken");
        drop(other);
        let _third = take("203.0.113.8").unwrap();
        drop(first);
        let _again = take("203.0.113.7").unwrap();
        assert_eq!(places.taken.lock().unwrap().len(), 3, "who has left is forgotten");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_connection_too_many_of_an_address_is_closed() {
        let routes = Router::new().route("/", get(|| async { "well" }));
        let bounds = Bounds { connections: 10, per_address: 1, head: HOUR, write: HOUR };
        let address = serve_routes(routes, bounds);
        let mut kept = TcpStream::connect(address).unwrap();
        kept.write_all(WHOLE).unwrap();
        let mut one = [0];
        let read = tokio::task::spawn_blocking(move || (kept.read(&mut one).unwrap(), kept));
        let (count, kept) = read.await.unwrap();
        assert_eq!(count, 1, "the first has its place");
        assert_eq!(answer(address, WHOLE).await, "");
        drop(kept);
    }

    /// An answer without end, and what tells when the server has let go of it.
    fn endless() -> (Router, tokio::sync::oneshot::Receiver<()>) {
        let (sender, let_go) = tokio::sync::oneshot::channel::<()>();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let answer = move || {
            let held = sender.lock().unwrap().take();
            async move {
                let page = axum::body::Bytes::from(vec![b'x'; 1 << 16]);
                let pages = futures::stream::repeat(page).map(move |page| {
                    let _held = &held;
                    Ok::<_, io::Error>(page)
                });
                axum::body::Body::from_stream(pages)
            }
        };
        (Router::new().route("/", get(answer)), let_go)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_takes_nothing_of_an_answer_is_shown_out() {
        let (routes, let_go) = endless();
        let write = Duration::from_millis(100);
        let address = serve_routes(routes, Bounds { connections: 10, per_address: 10, head: HOUR, write });
        let mut stalled = TcpStream::connect(address).unwrap();
        stalled.write_all(WHOLE).unwrap();
        assert!(let_go.await.is_err(), "the answer is dropped");
        drop(stalled);
    }
}
