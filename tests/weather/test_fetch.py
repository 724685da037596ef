"""Downloads against a service of our own on the loopback: whole files, or none and a way out."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from microgrid.cli.weather import fetch_command
from microgrid.errors import Environment, InvalidInput, MicrogridError
from sim.weather.fetch import SourceName, fetch_weather

PVGIS = (
    "Latitude (decimal degrees): -7.420\nLongitude (decimal degrees): 39.330\nElevation (m): 5.0\n"
    "month,year\n1,2010\ntime(UTC),T2m,RH,G(h),Gb(n),Gd(h),IR(h),WS10m,WD10m,SP\n"
)
NASA = "-BEGIN HEADER-\nNASA/POWER\n-END HEADER-\nYEAR,MO,DY,HR,ALLSKY_SFC_SW_DWN\n2023,1,1,0,0.0\n"


@dataclass
class Service:
    """Answers in turn, the last one for ever, and what was asked."""

    answers: list[tuple[int, str]]
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Service]]:
    monkeypatch.setenv("no_proxy", "*")
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: tuple[int, str]) -> Service:
        service = Service(list(answers))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                status, text = service.answers[min(len(service.asked), len(service.answers)) - 1]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        service.url = f"http://127.0.0.1:{server.server_port}/api"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


Serve = Callable[..., Service]


@pytest.mark.parametrize(("source", "text"), [("pvgis", PVGIS), ("nasa_power", NASA)])
def test_the_file_lies_beside_the_scenario(serve: Serve, tmp_path: Path, source: SourceName, text: str) -> None:
    service = serve((200, text))
    path = fetch_weather(-7.42, 39.33, source, tmp_path, service.url)
    assert path == tmp_path / f"{source}_-7.420_39.330.csv"
    assert path.read_text() == text
    asked = parse_qs(urlsplit(service.asked[0]).query)
    assert asked.get("lat", asked.get("latitude")) == ["-7.4200"]
    assert asked.get("lon", asked.get("longitude")) == ["39.3300"]


def test_a_service_that_wakes_up_late(serve: Serve, tmp_path: Path) -> None:
    service = serve((503, "busy"), (429, "slow down"), (200, PVGIS))
    assert fetch_weather(-7.42, 39.33, "pvgis", tmp_path, service.url).exists()
    assert len(service.asked) == 3


def refused(call: Callable[[], object], kind: type[MicrogridError], folder: Path) -> MicrogridError:
    with pytest.raises(kind) as raised:
        call()
    assert list(folder.iterdir()) == []
    return raised.value


def test_a_place_in_the_sea(serve: Serve, tmp_path: Path) -> None:
    service = serve((400, '{"message": "Location over the sea. Please, select another location"}'))
    error = refused(lambda: fetch_weather(-7, 60, "pvgis", tmp_path, service.url), InvalidInput, tmp_path)
    assert error.problems[0].code == "MG-D130"
    assert "Location over the sea" in error.problems[0].why
    assert len(service.asked) == 1


def test_no_network_names_the_page_and_the_way_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    nobody = "http://127.0.0.1:9/api"
    error = refused(lambda: fetch_weather(-7, 39, "pvgis", tmp_path, nobody, (0.5,)), Environment, tmp_path)
    assert error.exit_code == 3
    assert error.problems[0].code == "MG-E040"
    assert "https://re.jrc.ec.europa.eu/pvg_tools/en/" in error.problems[0].fix
    assert "monthly means" in error.problems[0].fix


def test_a_login_page_is_not_weather(serve: Serve, tmp_path: Path) -> None:
    service = serve((200, "<html><title>Hotel network</title></html>"))
    error = refused(lambda: fetch_weather(-7, 39, "pvgis", tmp_path, service.url), Environment, tmp_path)
    assert error.problems[0].code == "MG-E041"
    assert "Hotel network" in error.problems[0].what


@pytest.mark.parametrize(("latitude", "longitude"), [(139.3, -7.4), (0.0, 181.0), (float("nan"), 0.0)])
def test_a_place_that_is_none(tmp_path: Path, latitude: float, longitude: float) -> None:
    error = refused(lambda: fetch_weather(latitude, longitude, "pvgis", tmp_path), InvalidInput, tmp_path)
    assert error.problems[0].code == "MG-D131"


def test_only_web_addresses_are_read(tmp_path: Path) -> None:
    refused(lambda: fetch_weather(-7, 39, "pvgis", tmp_path, f"file://{tmp_path}", (1.0,)), Environment, tmp_path)


def test_the_command_says_what_to_write(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fetch_command(-7.42, 39.33, "pvgis", tmp_path, base_url=serve((200, PVGIS)).url)
    said = capsys.readouterr()
    assert said.out == f"{path}\n"
    assert "weather: {file: pvgis_-7.420_39.330.csv}" in said.err
