# One image for every process of Twin: the page, both code locations, Dagster's webserver and daemon,
# and the containers of the runs. compose.yaml says which command each gets.
ARG PYTHON=python:3.11-slim-bookworm

# What is installed, alone: the layers after it change with the dependencies, not with pyproject.toml.
FROM ${PYTHON} AS requirements
COPY pyproject.toml .
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb')); \
    extras = project['project']['optional-dependencies']['containers']; \
    wanted = project['build-system']['requires'] + project['project']['dependencies'] + extras; \
    print(*wanted, sep='\n')" > requirements.txt

FROM ${PYTHON} AS dependencies
# For an index other than pip's own (see docs/deploying.md); PIP_NO_INDEX=1 takes deploy/wheels alone.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_NO_INDEX
RUN python -m venv /opt/venv
COPY requirements.lock .
COPY --from=requirements requirements.txt .
RUN --mount=type=bind,source=deploy/wheels,target=/wheels \
    --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --disable-pip-version-check --find-links /wheels \
        --constraint requirements.lock --requirement requirements.txt

FROM ${PYTHON}
RUN useradd --uid 10001 --home-dir /var/lib/twin --shell /usr/sbin/nologin twin \
    && install --directory --owner twin --group twin /var/lib/twin
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /opt/twin
COPY pyproject.toml README.md LICENSE gradio_app.py dagster.yaml workspace.yaml ./
COPY deploy/dagster.yaml deploy/workspace.yaml deploy/code-server deploy/healthy.py deploy/
COPY twin_assets twin_assets
COPY twin_serving twin_serving
RUN /opt/venv/bin/pip install --quiet --no-index --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/python -m compileall -q twin_assets twin_serving
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TWIN_HOME=/var/lib/twin \
    TWIN_HOST=0.0.0.0 \
    DAGSTER_EVENT_BATCH_SIZE=500 \
    HF_HOME=/var/lib/twin/models
USER twin
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m \
    CMD ["python", "deploy/healthy.py", "http://127.0.0.1:7860/healthz"]
CMD ["python", "gradio_app.py"]
