# One image for every process of Twin: the page, both code locations, Dagster's webserver and daemon,
# and the containers of the runs. compose.yaml says which command each gets.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS dependencies
# For an index other than pip's own (see docs/deploying.md); PIP_NO_INDEX=1 takes deploy/wheels alone.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_NO_INDEX
WORKDIR /opt/twin
RUN python -m venv /opt/venv
COPY pyproject.toml requirements.lock ./
# An editable installation over empty packages: these layers change with the dependencies alone, and
# the code that is copied over it later is what runs.
RUN --mount=type=bind,source=deploy/wheels,target=/wheels \
    --mount=type=cache,target=/root/.cache/pip \
    mkdir twin_assets twin_serving \
    && touch README.md LICENSE gradio_app.py twin_assets/__init__.py twin_serving/__init__.py \
    && /opt/venv/bin/pip install --disable-pip-version-check --find-links /wheels \
        --constraint requirements.lock --editable '.[containers]'

FROM ${PYTHON}
RUN useradd --uid 10001 --home-dir /var/lib/twin --shell /usr/sbin/nologin twin \
    && install --directory --owner twin --group twin /var/lib/twin
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /opt/twin
COPY gradio_app.py pyproject.toml dagster.yaml workspace.yaml ./
COPY deploy/dagster.yaml deploy/workspace.yaml deploy/code-server deploy/healthy.py deploy/
COPY twin_assets twin_assets
COPY twin_serving twin_serving
RUN /opt/venv/bin/python -m compileall -q twin_assets twin_serving
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TWIN_HOME=/var/lib/twin \
    TWIN_HOST=0.0.0.0 \
    HF_HOME=/var/lib/twin/models
USER twin
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m \
    CMD ["python", "deploy/healthy.py", "http://127.0.0.1:7860/healthz"]
CMD ["python", "gradio_app.py"]
